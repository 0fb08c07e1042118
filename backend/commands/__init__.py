"""The sub-commands of `backend`, one module each; each does its heavy imports when it runs."""
