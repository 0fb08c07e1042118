"""A prompt becomes takes."""
