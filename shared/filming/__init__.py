"""What a film is, and the process that makes it."""
