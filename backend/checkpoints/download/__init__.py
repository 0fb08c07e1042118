"""Official models from their public hosts: fetched, checked, and laid out as they are read."""
