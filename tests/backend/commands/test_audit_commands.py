"""`backend audit` and `backend repair` as a studio's checks call them."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import run_backend as run
from sample_motions import walking_motion
from strike_motions import kicking_motion

from shared.motion.bvh import save_bvh
from shared.motion.motion import load_motion, save_motion


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_motion(kicking_motion(), tmp_path / "kick.npz")
    save_bvh(kicking_motion(), tmp_path / "kick.bvh")
    save_motion(walking_motion(), tmp_path / "walk.npz")
    return tmp_path


def test_the_exit_code_is_the_gate(folder: Path) -> None:
    code, out, _ = run("audit", folder / "walk.npz")
    assert (code, "no strike was found" in out) == (0, True)
    code, out, _ = run("audit", folder / "walk.npz", folder / "kick.npz", folder / "kick.bvh")
    assert code == 1
    assert out.count("right kick: frames") == 2
    code, _, err = run("audit", folder / "kick.npz", folder / "none.npz")
    assert (code, "none.npz does not exist" in err) == (2, True)


def test_json_has_a_value_a_line(folder: Path) -> None:
    (folder / "notes.txt").write_text("no animation")
    code, out, _ = run("audit", "--json", folder / "kick.bvh", folder / "notes.txt")
    kick, notes = map(json.loads, out.splitlines())
    assert code == 2
    assert (kick["answer"], kick["frames"], kick["fps"]) == ("found", 120, 20.0)
    [strike] = kick["strikes"]
    assert strike["strike"] == "kick"
    assert strike["seconds"] == [strike["start"] / 20, strike["end"] / 20]
    assert "no animation that can be read" in notes["error"]


@pytest.mark.parametrize("kind", ["npz", "bvh"])
def test_a_repair_is_a_new_file_without_strikes(folder: Path, kind: str) -> None:
    source, out = folder / f"kick.{kind}", folder / f"safe.{kind}"
    before = source.read_bytes()
    code, said, err = run("repair", source, "--out", out)
    assert code == 0, err
    assert "no strike is found any more" in said
    assert source.read_bytes() == before
    assert run("audit", out)[0] == 0
    if kind == "npz":
        old, new = load_motion(source), load_motion(out)
        [[start, end]] = new.provenance["repaired"]
        assert np.array_equal(
            np.delete(old.joints, slice(start, end), 0)[:start], new.joints[:start]
        )
        assert np.array_equal(old.joints[end:], new.joints[end:])
    else:
        old, new = before.splitlines(), out.read_bytes().splitlines()
        changed = [
            number for number, pair in enumerate(zip(old, new, strict=True)) if len({*pair}) > 1
        ]
        assert 0 < len(changed) < 60
        assert changed == list(range(changed[0], changed[-1] + 1))


def test_what_is_there_is_not_overwritten(folder: Path) -> None:
    before = (folder / "walk.npz").read_bytes()
    for out, said in (
        ("walk.npz", "is there already"),
        ("kick.npz", "is there already"),
        ("x.bvh", "that ending"),
        ("no/x.npz", "no folder"),
    ):
        code, _, err = run("repair", folder / "kick.npz", "--out", folder / out)
        assert (code, said in err) == (2, True), out
    assert (folder / "walk.npz").read_bytes() == before


def test_without_a_strike_nothing_is_written(folder: Path) -> None:
    code, said, _ = run("repair", folder / "walk.npz", "--out", folder / "x.npz")
    assert (code, "nothing is written" in said) == (0, True)
    assert not (folder / "x.npz").exists()
