"""Networks as callables on numpy arrays: one engine in plain numpy, one door for torch."""
