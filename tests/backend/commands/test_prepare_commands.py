"""AMASS archives and Motion-X parameters to features, on body models that the test writes."""

from pathlib import Path

import numpy as np
import pytest
from command_line import run_backend
from sample_motions import walking_motion
from tiny_body import write_body_model

from backend.commands.prepare import humanml3d, motion_x
from backend.datasets.humanml3d import read_index
from backend.datasets.layouts import HUMANML3D, MOTION_X
from backend.datasets.preparation import mirror_joints
from backend.datasets.problems import ProblemTable
from backend.datasets.text_motions import read_split, read_statistics, with_motions
from backend.datasets.vectors import RunningStatistics
from backend.motion.body_model import load_body_model
from backend.motion.features import bone_offsets, features_to_joints, motion_to_features
from shared.errors import PlacidError
from shared.motion.skeleton import JOINT_COUNT
from tests.backend.datasets.text_motion_files import CALM, write_split

pytest.importorskip("smplx")
ROOT = Path(__file__).parents[3]
TOLERANCE = {"atol": 2e-4, "rtol": 0}


def write_archive(path: Path, frames: int, rate: float, model: Path) -> np.ndarray:
    """An archive of a walk; its joints (T, 22, 3) with Z up."""
    body = load_body_model(model)
    parameters = body.parameters(walking_motion(frames))
    poses = parameters["poses"][:, :156].astype(float)
    path.parent.mkdir(parents=True, exist_ok=True)
    betas = np.linspace(-0.02, 0.03, 16)
    np.savez(
        path,
        poses=poses,
        trans=parameters["trans"],
        betas=betas,
        gender=np.array("male"),
        mocap_framerate=np.array(rate),
    )
    return body.joints(poses, parameters["trans"], betas[:10])


def y_up(joints: np.ndarray) -> np.ndarray:
    return np.stack([-joints[..., 0], joints[..., 2], joints[..., 1]], axis=-1)


def test_a_bodys_joints_are_the_centres_of_what_follows_them(tmp_path: Path) -> None:
    body = load_body_model(write_body_model(tmp_path / "tiny.npz"))
    parameters = body.parameters(walking_motion(12))
    joints = body.joints(parameters["poses"], parameters["trans"], np.zeros(10))
    vertices = body.pose(parameters).reshape(12, -1, 3, 3).mean(axis=2)
    np.testing.assert_allclose(joints, vertices[:, :JOINT_COUNT], atol=1e-5)
    # The tiny model's shape moves everything along (1, 1, 1), before it is turned.
    moved = body.joints(parameters["poses"], parameters["trans"], np.array([0.5]))
    np.testing.assert_allclose(moved[:, 0] - joints[:, 0], 0.5, atol=1e-5)


def test_humanml3d_is_cut_turned_mirrored_and_put_on_one_skeleton(tmp_path: Path) -> None:
    models, amass, out = tmp_path / "smplh", tmp_path / "amass", tmp_path / "out"
    for gender in ("male", "female"):
        write_body_model(models / gender / "model.npz")
    male = models / "male" / "model.npz"
    walk = write_archive(amass / "KIT/3/walk_poses.npz", 400, 120.0, male)
    held = write_archive(amass / "MPI_Limits/1/op_poses.npz", 160, 59.9, male)
    acted = y_up(held)[:30]
    (amass / "humanact12/humanact12").mkdir(parents=True)
    np.save(amass / "humanact12/humanact12/P1.npy", np.concatenate([acted, acted[:, :2]], axis=1))
    (amass / "KIT/3/junk_poses.npz").write_bytes(b"junk")
    index = tmp_path / "index.csv"
    index.write_text(
        "source_path,start_frame,end_frame,new_name\n"
        "./pose_data/KIT/3/walk_poses.npy,5,60,000021.npy\n"
        "./pose_data/MPI_Limits/1/op_poses.npy,1,50,000022.npy\n"
        "./pose_data/humanact12/humanact12/P1.npy,0,-1,000023.npy\n"
        "./pose_data/KIT/3/gone_poses.npy,0,60,000024.npy\n"
        "./pose_data/KIT/3/junk_poses.npy,0,60,000025.npy\n"
    )
    assert read_index(index)[2].source.as_posix() == "humanact12/humanact12/P1.npy"
    code, output, errors = run_backend(
        "prepare", "humanml3d", amass, "--index", index, "--model", models, "--out", out
    )
    assert code == 0, errors
    cuts = {
        "000021": y_up(walk)[::6][5:60],
        "000022": y_up(held)[::2][20:][1:50],
        "000023": acted,
    }
    offsets = bone_offsets(cuts["000021"][0])
    for name, joints in cuts.items():
        for wanted, file in ((joints, name), (mirror_joints(joints), f"M{name}")):
            rows = np.load(out / "new_joint_vecs" / f"{file}.npy")
            assert rows.dtype == np.float32
            np.testing.assert_allclose(
                rows, motion_to_features(wanted, offsets, convention="files"), **TOLERANCE
            )
    assert features_to_joints(np.load(out / "new_joint_vecs" / "000021.npy"))[..., 1].max() > 1.3
    assert "6 motions" in output
    table = (out / "problems.csv").read_text()
    assert "000024" in table
    assert "000025" in table

    (out / "texts").mkdir()
    for name in cuts:
        (out / "texts" / f"{name}.txt").write_text(f"{CALM}\n")
    write_split(out, "test", *cuts)
    problems = ProblemTable(strict=True)
    assert len(with_motions(read_split(out, HUMANML3D, "test", problems), problems)) == 3
    mean, std = read_statistics(out)
    rows = np.concatenate([np.load(path) for path in (out / "new_joint_vecs").glob("*.npy")])
    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(std[:1], rows[:, :1].std(axis=0), atol=1e-5)


def test_motion_x_keeps_its_ids_and_frames(tmp_path: Path) -> None:
    model = write_body_model(tmp_path / "SMPLX_NEUTRAL.npz")
    body = load_body_model(model)
    parameters = body.parameters(walking_motion(50))
    rows = np.zeros((50, 322), np.float32)
    # Y up: the root's turn out of Z up is left away, and the path laid down.
    rows[:, 3:66] = parameters["poses"][:, 3:66]
    x, y, z = parameters["trans"].T
    rows[:, 309:312] = np.stack([x, z, -y], axis=-1)
    folder = tmp_path / "motion_data" / "smplx_322"
    for name in ("humanml/000021", "kungfu/subset_0001/Kick_clip_8"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", rows)
    np.save(folder / "kungfu" / "wide.npy", rows[:, :300])
    out = tmp_path / "out"
    code, _, errors = run_backend("prepare", "motion-x", tmp_path, "--model", model, "--out", out)
    assert code == 0, errors
    joints = body.joints(rows[:, :66], rows[:, 309:312], np.zeros(10))
    wanted = motion_to_features(joints, bone_offsets(joints[0]), convention="files")
    made = out / MOTION_X.motions[0]
    np.testing.assert_allclose(
        np.load(made / "kungfu/subset_0001/Kick_clip_8.npy"), wanted, **TOLERANCE
    )
    assert sorted(path.stem for path in made.rglob("*.npy")) == ["000021", "Kick_clip_8"]
    assert "(50, 300) instead of (T, 322)" in (out / "problems.csv").read_text()
    assert features_to_joints(wanted)[..., 1].max() > 1.3
    with pytest.raises(PlacidError, match="kungfu/wide"):
        motion_x(tmp_path, model, tmp_path / "no", strict=True)


def test_what_is_missing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PlacidError, match=r"not HumanML3D's index.csv"):
        read_index(tmp_path / "index.csv")
    (tmp_path / "index.csv").write_text("source_path,start_frame,end_frame,new_name\n")
    with pytest.raises(PlacidError, match=r"download the extended SMPL\+H model"):
        humanml3d(tmp_path, tmp_path / "index.csv", tmp_path, tmp_path)
    for gender in ("male", "female"):
        write_body_model(tmp_path / gender / "model.npz")
    with pytest.raises(PlacidError, match="no motion 000021"):
        humanml3d(tmp_path, tmp_path / "index.csv", tmp_path, tmp_path)
    with pytest.raises(PlacidError, match="no folder motion_data/smplx_322"):
        motion_x(tmp_path, tmp_path / "male" / "model.npz", tmp_path)


def test_running_statistics_are_those_of_all_rows_together() -> None:
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(500, 263)) * 0.1 + 30).astype(np.float32)
    running = RunningStatistics()
    for part in np.array_split(rows, 7):
        running.add(part)
    mean, std = running.result()
    np.testing.assert_allclose(mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(std[4:67], rows[:, 4:67].std(axis=0).mean(), rtol=1e-4)
