"""Collapse checks: did forgetting freeze or shake the motion? Means of the motion-quality figures.

A motion that stands still is far from every kick, so that a high forget FID alone says nothing.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from backend.evaluation.metrics.registry import Better, Evaluated, Measured, given, register_metric
from backend.kinematic_checks import motion_quality

_Figure = Callable[[np.ndarray, float], float]
_FIGURES: Final[tuple[tuple[str, str, str, Better, _Figure], ...]] = (
    ("energy", "(m/s)^2", "Squared speed of joints about the root", "near_reference",
     motion_quality.energy),
    ("root_travel", "m", "Path of the root on the floor", "near_reference",
     motion_quality.root_travel),
    ("jerk", "m/s^3", "Third derivative of joint positions", "near_reference",
     motion_quality.jerk),
    ("foot_skate", "cm/s", "Speed of standing feet", "lower", motion_quality.foot_skate),
    ("frozen_share", "", "Share of frames in which nothing moves", "near_reference",
     motion_quality.frozen_share),
)  # fmt: skip


def _register(name: str, unit: str, summary: str, better: Better, figure: _Figure) -> None:
    @register_metric(name, summary=summary, better=better, needs=frozenset({"joints"}), unit=unit)
    def check(data: Evaluated, rng: np.random.Generator) -> Measured:
        return Measured.mean_of(
            np.array([figure(joints, data.fps) for joints in given(data.joints)])
        )


for _row in _FIGURES:
    _register(*_row)
