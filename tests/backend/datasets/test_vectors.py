"""Feature files and the statistics of what was written."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.problems import ProblemTable
from backend.datasets.vectors import JointMotion, RunningStatistics, write_vectors
from backend.motion.features import FEATURES, GROUP_EDGES, feature_statistics, motion_to_features
from shared.errors import PlacidError
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT
from tests.backend.datasets.motions import standing, walking


def motion(name: str, joints: np.ndarray) -> JointMotion:
    return JointMotion(name, joints, Path("archive") / f"{name}.npz")


def folded() -> np.ndarray:
    """A walk with a bone that has no direction."""
    joints = walking(41)
    joints[:, JOINT["left_knee"]] = joints[:, JOINT["left_hip"]]
    return joints


def test_running_statistics_are_those_of_all_rows_together() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(90, FEATURES)) * np.linspace(0.1, 3, FEATURES) + 5).astype(np.float32)
    statistics = RunningStatistics()
    for part in np.split(rows, [1, 40]):
        statistics.add(part)
    mean, std = statistics.result()
    wanted_mean, wanted_std = feature_statistics(rows.astype(np.float64))
    np.testing.assert_allclose(mean, wanted_mean, rtol=1e-5)
    np.testing.assert_allclose(std, wanted_std, rtol=1e-5)
    assert mean.dtype == std.dtype == np.float32
    assert statistics.count == 90


def test_what_does_not_move_has_no_spread_instead_of_nan() -> None:
    statistics = RunningStatistics()
    statistics.add(np.full((1000, FEATURES), 0.1, np.float32))
    mean, std = statistics.result()
    np.testing.assert_allclose(mean, 0.1, rtol=1e-6)
    np.testing.assert_allclose(std, 0, atol=1e-6)


def test_a_file_for_each_motion_and_the_statistics_beside(tmp_path: Path) -> None:
    motions = [motion("000001", walking(41)), motion("kungfu/a_1", walking(61, turn=200))]
    problems = ProblemTable(strict=True)
    assert write_vectors(motions, FEATURE_OFFSETS, tmp_path, "vecs", problems) == (2, 100)
    rows = []
    for made in motions:
        written = np.load(tmp_path / "vecs" / f"{made.id}.npy")
        wanted = motion_to_features(made.joints, FEATURE_OFFSETS, convention="files")
        np.testing.assert_array_equal(written, wanted)
        rows.append(written)
    # Turning past the back shows that the published oddity is kept.
    assert not np.allclose(rows[1], motion_to_features(motions[1].joints, FEATURE_OFFSETS))
    mean, std = feature_statistics(np.concatenate(rows).astype(np.float64))
    np.testing.assert_allclose(np.load(tmp_path / "Mean.npy"), mean, atol=1e-5)
    stored = np.load(tmp_path / "Std.npy")
    np.testing.assert_allclose(stored, std, atol=1e-5)
    assert len(np.unique(stored)) <= len(GROUP_EDGES) - 1


def test_what_has_no_features_is_named_and_counts_for_nothing(tmp_path: Path) -> None:
    problems = ProblemTable()
    motions = [motion("one", standing(1)), motion("bad", folded()), motion("good", walking(31))]
    assert write_vectors(motions, FEATURE_OFFSETS, tmp_path, "vecs", problems) == (1, 30)
    assert [(row.item, row.file, row.what) for row in problems] == [
        ("one", Path("archive/one.npz"), "under two frames"),
        ("bad", Path("archive/bad.npz"), "its features hold NaN or infinity"),
    ]
    assert [path.name for path in (tmp_path / "vecs").iterdir()] == ["good.npy"]
    assert np.isfinite(np.load(tmp_path / "Std.npy")).all()


def test_strict_stops_at_the_first(tmp_path: Path) -> None:
    motions = [motion("bad", folded()), motion("good", walking(31))]
    with pytest.raises(PlacidError, match=r"bad: .*bad\.npz: its features hold NaN"):
        write_vectors(motions, FEATURE_OFFSETS, tmp_path, "vecs", ProblemTable(strict=True))
    assert not (tmp_path / "vecs").exists()


def test_no_motion_leaves_no_statistics(tmp_path: Path) -> None:
    written = write_vectors(
        [motion("one", standing(1))], FEATURE_OFFSETS, tmp_path, "vecs", ProblemTable()
    )
    assert written == (0, 0)
    assert not list(tmp_path.iterdir())
