"""The running session's state: runtime, jobs, takes, the base of operators."""
