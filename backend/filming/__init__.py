"""A second Blender that films batches, found and started from here."""
