"""Direction beside words: a curve to follow, poses to keep, hands and feet that are held."""
