"""Files that somebody else may have written are read here: one list of errors, one of limits."""
