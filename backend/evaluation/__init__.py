"""Evaluator networks, metrics, kinematic checks and the benchmark."""
