"""Attacks on edited models: what brings back what was unlearned, and what does not.

A file in this folder is an attack by being here. Each makes motions under one or more settings; who
judges them is chosen by the caller, so that no attack reports itself.
"""

from backend.evaluation.attacks.registry import ATTACKS, Attack, Trial, find_attack

__all__ = ["ATTACKS", "Attack", "Trial", "find_attack"]
