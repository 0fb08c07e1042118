"""Requests, messages, framing and validation: the contract of the two processes."""
