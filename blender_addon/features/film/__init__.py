"""One take as a film."""
