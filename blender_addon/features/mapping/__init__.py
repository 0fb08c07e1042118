"""Which bone is which joint."""
