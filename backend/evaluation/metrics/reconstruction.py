"""MPJPE: how far reconstructed joints are from the real ones."""

import numpy as np

from backend.evaluation.metrics.distances import row_distances
from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric


def pose_errors(joints: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Mean joint error (T,) of each pose, roots aligned; joints (T, 22, 3), in their unit."""
    return row_distances(joints - joints[:, :1], real - real[:, :1]).mean(axis=1)


@register_metric(
    "mpjpe",
    summary="Mean joint error of reconstructions, roots aligned",
    better="lower",
    needs=frozenset({"joints", "real_joints"}),
    unit="mm",
)
def mpjpe(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Per motion, over its poses."""
    errors = [
        pose_errors(joints, real).mean()
        for joints, real in zip(given(data.joints), given(data.real_joints), strict=True)
    ]
    return Measured.mean_of(1000 * np.array(errors))
