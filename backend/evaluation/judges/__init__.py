"""Judges: each says on its own whether a motion shows violence, from joints alone.

A file in this folder is a judge by being here. What chooses a setting must not report it: choose
with one judge, report with another.
"""

from backend.evaluation.judges.registry import (
    JUDGES,
    TIERS,
    Finding,
    Judge,
    Tier,
    Verdict,
    find_judge,
    register_judge,
)

__all__ = [
    "JUDGES",
    "TIERS",
    "Finding",
    "Judge",
    "Tier",
    "Verdict",
    "find_judge",
    "register_judge",
]
