"""The backend's preferences and verbs."""
