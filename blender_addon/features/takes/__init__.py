"""Takes judged: accepted, rejected, pushed, loaded, retargeted."""
