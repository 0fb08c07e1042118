"""Placid's own armature and body, and the sample rigs."""
