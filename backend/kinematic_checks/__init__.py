"""What a motion shows, read off its joints alone."""
