"""What panels share: their base, words, the backend's status."""
