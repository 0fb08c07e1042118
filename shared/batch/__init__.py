"""A table of prompts as a queue that survives a kill."""
