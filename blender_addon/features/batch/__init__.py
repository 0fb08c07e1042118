"""A table of prompts worked through from the panel."""
