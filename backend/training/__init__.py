"""One trainer per network, one loop."""
