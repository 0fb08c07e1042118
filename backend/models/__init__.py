"""Networks and sampling, and nothing else: no file path, no concept, no command line."""
