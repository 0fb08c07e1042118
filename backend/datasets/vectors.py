"""Joints to a data set's feature files: `ID.npy` each, and their `Mean.npy` and `Std.npy`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.datasets.problems import Problem, ProblemTable
from backend.motion.features import FEATURES, averaged_in_groups, motion_to_features
from shared.files import written_whole


@dataclass(frozen=True, eq=False)
class JointMotion:
    """Joints float32 (T, 22, 3), Y up, metres, and the file they came from."""

    id: str
    joints: np.ndarray
    source: Path


class RunningStatistics:
    """Mean and std of rows that do not fit into memory together."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = np.zeros(FEATURES)
        self._squares = np.zeros(FEATURES)

    def add(self, rows: np.ndarray) -> None:
        """Take rows (T, 263) in."""
        wide = rows.astype(np.float64)
        self.count += len(rows)
        self._sum += wide.sum(axis=0)
        self._squares += np.square(wide).sum(axis=0)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and std float32 (263,); the std is averaged inside the seven groups."""
        mean = self._sum / self.count
        variance = np.maximum(self._squares / self.count - np.square(mean), 0)
        std = averaged_in_groups(np.sqrt(variance))
        return mean.astype(np.float32), std.astype(np.float32)


def write_vectors(
    motions: Iterable[JointMotion],
    offsets: np.ndarray,
    root: Path,
    folder: str,
    problems: ProblemTable,
) -> tuple[int, int]:
    """Write the features of motions below `root / folder` and their statistics in `root`.

    Features are made as HumanML3D's own are, with their oddities (`motion_to_features` with
    `files`), so that official checkpoints understand them.

    Args:
        offsets: (22, 3) of the skeleton that all motions are put on.

    Returns:
        How many motions and how many frames were written.
    """
    statistics, written = RunningStatistics(), 0
    for motion in motions:
        if len(motion.joints) < 2:
            problems.add(Problem(motion.id, motion.source, "under two frames"))
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = motion_to_features(motion.joints, offsets, convention="files")
        if not np.isfinite(rows).all():
            problems.add(Problem(motion.id, motion.source, "its features hold NaN or infinity"))
            continue
        _save(root / folder / f"{motion.id}.npy", rows)
        statistics.add(rows)
        written += 1
    if written:
        mean, std = statistics.result()
        _save(root / "Mean.npy", mean)
        _save(root / "Std.npy", std)
    return written, statistics.count


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        np.save(file, array)
