"""A body model of the SMPL family, small enough for the test to write it."""

from pathlib import Path

import numpy as np
import pytest
from command_line import run_backend
from sample_motions import walking_motion
from tiny_body import JOINTS, write_body_model

from backend.motion.body_model import load_body_model
from shared.errors import PlacidError
from shared.motion.motion import save_motion
from shared.motion.skeleton import JOINT_COUNT

pytest.importorskip("smplx")


def test_the_mesh_follows_every_joint_of_the_motion(tmp_path: Path) -> None:
    model = load_body_model(write_body_model(tmp_path / "tiny.npz"))
    motion = walking_motion(40)
    vertices = model.pose(model.parameters(motion))
    assert vertices.shape == (40, 3 * JOINTS, 3)
    centres = vertices.reshape(40, JOINTS, 3, 3).mean(axis=2)[:, :JOINT_COUNT]
    error = np.linalg.norm(centres - motion.with_up("Z").joints, axis=-1)
    assert error.max() < 0.02


def test_the_command_writes_parameters_mesh_and_movement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_body_model(tmp_path / "tiny.npz")
    save_motion(walking_motion(6), tmp_path / "walk.npz")
    monkeypatch.chdir(tmp_path)
    code, _, errors = run_backend("body", "walk.npz", "--model", "tiny.npz")
    assert code == 0, errors
    lines = (tmp_path / "walk-body.obj").read_text().splitlines()
    mesh = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    data = (tmp_path / "walk-body.pc2").read_bytes()
    assert data[:12] == b"POINTCACHE2\0"
    assert tuple(np.frombuffer(data[12:20], "<i4")) == (1, 3 * JOINTS)
    assert np.frombuffer(data[28:32], "<i4")[0] == 6
    moved = np.frombuffer(data[32:], "<f4").reshape(6, -1, 3)
    np.testing.assert_allclose(moved[0], mesh, atol=1e-5)
    assert mesh[:, 1].max() > 1.4, "Y is up"
    with np.load(tmp_path / "walk-body.npz") as file:
        assert file["poses"].shape == (6, 165)


def test_files_that_are_no_body_model_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match="download SMPLX_NEUTRAL"):
        load_body_model(tmp_path)
    np.savez(tmp_path / "other.npz", v_template=np.zeros((3, 3)))
    with pytest.raises(PlacidError, match="has no array 'shapedirs'"):
        load_body_model(tmp_path / "other.npz")
    write_body_model(tmp_path / "pickled.npz", f=np.array([{}], dtype=object))
    with pytest.raises(PlacidError, match="of object, which is not read"):
        load_body_model(tmp_path / "pickled.npz")
    cut = write_body_model(tmp_path / "cut.npz")
    cut.write_bytes(cut.read_bytes()[:5000])
    with pytest.raises(PlacidError, match="not a body model"):
        load_body_model(cut)
    chain = np.array([list(range(-1, JOINTS - 1)), list(range(JOINTS))])
    write_body_model(tmp_path / "chain.npz", kintree_table=chain)
    with pytest.raises(PlacidError, match="not those of SMPL"):
        load_body_model(tmp_path / "chain.npz")
