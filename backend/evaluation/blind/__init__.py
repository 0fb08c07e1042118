"""A blind look: motions of all methods, shuffled and without labels, for people to score."""
