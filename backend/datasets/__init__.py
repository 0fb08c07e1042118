"""Readers of motion data, the 263-d features, captions and splits."""
