"""The `Motion` value, its skeleton, rotations, contacts and file formats."""
