"""Unlearning methods: a `Concept` in, an `Edit` out."""
