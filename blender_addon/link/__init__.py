"""The backend seen from Blender: process, environment, client, session."""
