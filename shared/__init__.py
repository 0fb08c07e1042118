"""What the backend process and the Blender add-on must agree on: numpy and msgspec only."""
