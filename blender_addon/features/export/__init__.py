"""Takes as files of other programs."""
