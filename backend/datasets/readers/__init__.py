"""One module per motion source; each registers its reader with `register_source`."""
