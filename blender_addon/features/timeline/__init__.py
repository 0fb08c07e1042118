"""Prompts one after another, and frames made anew."""
