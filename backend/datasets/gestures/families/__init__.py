"""One module per family of gestures; each registers its authors with `gesture`."""
