"""BVH files of other programs' skeletons: read, and rewritten in some frames alone."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sample_motions import walking_motion, walking_pose

from shared.errors import PlacidError
from shared.motion.bvh import format_bvh, load_bvh
from shared.motion.motion import Motion, MotionError
from shared.recognition.bvh_frames import with_frames
from shared.recognition.bvh_rig import BvhRig

MIXAMO = {
    "pelvis": "Hips",
    "spine1": "Spine",
    "spine2": "Spine1",
    "spine3": "Spine2",
    "neck": "Neck",
    "head": "Head",
    "collar": "Shoulder",
    "shoulder": "Arm",
    "elbow": "ForeArm",
    "wrist": "Hand",
    "hip": "UpLeg",
    "knee": "Leg",
    "ankle": "Foot",
    "foot": "ToeBase",
}


def mixamo_name(joint: str) -> str:
    side, _, part = joint.rpartition("_")
    return f"mixamorig:{side.capitalize()}{MIXAMO[part]}"


def foreign_bvh(path: Path, frames: int = 60) -> Path:
    """A walk in centimetres, with Mixamo's names, a root that carries it, and a thumb."""
    text = format_bvh(walking_pose(frames), 30.0)
    head, _, rows = text.partition("MOTION\n")
    head = re.sub(r"(ROOT|JOINT) (\w+)", lambda m: f"{m[1]} {mixamo_name(m[2])}", head)
    head = re.sub(
        r"OFFSET (\S+) (\S+) (\S+)",
        lambda m: "OFFSET " + " ".join(f"{100 * float(x):.4f}" for x in m.groups()),
        head,
    )
    numbers = [line.split() for line in rows.splitlines()[2:]]
    for row in numbers:
        row[:3] = [f"{100 * float(x):.4f}" for x in row[:3]]
    lines = rows.splitlines()[:2] + ["\t".join(row) for row in numbers]
    path.write_text(head + "MOTION\r\n" + "\r\n".join(lines) + "\r\n", newline="")
    return path


@pytest.fixture
def foreign(tmp_path: Path) -> BvhRig:
    return BvhRig.load(foreign_bvh(tmp_path / "walk.bvh"))


def test_another_skeleton_is_recognised_and_read_at_our_size(foreign: BvhRig) -> None:
    assert foreign.mapping.name == "Mixamo"
    read, walk = foreign.motion(), walking_motion()
    assert read.fps == pytest.approx(30.0, abs=0.01)
    apart = read.joints - walk.joints
    # How high the floor is, a file does not say.
    assert np.abs(apart - apart[0, 0]).max() < 0.001
    assert np.abs(apart[..., 1]).max() < 0.05


def test_a_file_with_z_up_shows_the_same(tmp_path: Path, foreign: BvhRig) -> None:
    text = foreign.head + "".join(foreign.rows)
    lines = text.splitlines(keepends=True)
    turn = lambda x, y, z: (x, -z, y)  # noqa: E731
    at = 0
    for number, line in enumerate(lines):
        if "OFFSET" in line:
            indent, numbers = line.split("OFFSET")
            moved = turn(*(float(x) for x in numbers.split()))
            lines[number] = f"{indent}OFFSET {' '.join(map(str, moved))}\n"
        at = number if "Frame Time:" in line else at
    # Every channel turns about the axis that the file's own axis became.
    names = {"Xrotation": "Xrotation", "Yrotation": "Zrotation", "Zrotation": "Yrotation"}
    for number, line in enumerate(lines[:at]):
        if "CHANNELS" in line:
            lines[number] = re.sub(r"[XYZ]rotation", lambda m: names[m[0]], line)
    signs = {"Zrotation": -1.0}
    columns = [name for node in foreign.nodes for name in node.channels]
    for number in range(at + 1, len(lines)):
        row = [float(x) for x in lines[number].split()]
        row = [signs.get(name, 1.0) * value for name, value in zip(columns, row, strict=True)]
        row[:3] = turn(*row[:3])
        lines[number] = " ".join(map(str, row)) + "\n"
    path = tmp_path / "z.bvh"
    path.write_text("".join(lines))
    turned = BvhRig.load(path)
    assert np.allclose(turned.axes, [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert np.abs(turned.motion().joints - foreign.motion().joints).max() < 1e-3
    again = with_frames(turned, turned.motion(), [(10, 30)])
    assert np.abs(again.motion().joints - turned.motion().joints).max() < 2e-3


def test_frames_that_nobody_changes_stay_byte_for_byte(foreign: BvhRig, tmp_path: Path) -> None:
    motion = foreign.motion()
    joints = motion.joints.copy()
    joints[20:40, :, 0] += 0.1 * np.sin(np.linspace(0, np.pi, 20))[:, None]
    changed = with_frames(foreign, replace(motion, joints=joints), [(20, 40)])
    changed.save(tmp_path / "new.bvh")
    old, new = ((tmp_path / name).read_bytes().split(b"\r\n") for name in ("walk.bvh", "new.bvh"))
    assert len(old) == len(new)
    first = next(i for i, line in enumerate(old) if b"Frame Time" in line) + 1
    different = [i - first for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    assert different == list(range(20, 40))
    again = BvhRig.load(tmp_path / "new.bvh").motion().joints
    assert np.abs(again - joints).max() < 0.01


def test_new_frames_pose_the_skeleton_as_the_motion_says(foreign: BvhRig) -> None:
    """The walk's own frames in other order come back, arms, legs and place."""
    motion = foreign.motion()
    joints = motion.joints.copy()
    joints[15:45] = joints[44:14:-1]
    got = with_frames(foreign, replace(motion, joints=joints), [(15, 45)]).motion()
    assert np.abs(got.joints[15:45] - joints[15:45]).max() < 0.03


def test_angles_go_on_from_the_frame_before(foreign: BvhRig) -> None:
    motion = foreign.motion()
    changed = with_frames(foreign, motion, [(20, 40)])
    assert np.abs(np.diff(changed.table[18:42, 3:], axis=0)).max() < 30.0
    assert np.abs(changed.table - foreign.table).max() < 5.0


def test_a_span_may_reach_the_ends(foreign: BvhRig) -> None:
    motion = foreign.motion()
    got = with_frames(foreign, motion, [(0, len(motion))]).motion()
    assert np.abs(got.joints - motion.joints).max() < 0.05


def test_our_own_files_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "walk.bvh"
    path.write_text(format_bvh(walking_pose(), 20.0))
    own, known = BvhRig.load(path).motion(), load_bvh(path)
    lift = own.joints[0, 0, 1] - known.joints[0, 0, 1]
    assert np.abs(own.joints - known.joints - [0, lift, 0]).max() < 0.01


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Frames: 60", "Frames: 61", "61 lines of"),
        ("Frame Time:", "Frame:", "damaged"),
        ("Frames: 60", "Frames: 1e9", "damaged"),
        ("0.", "nan ", "is damaged|lines of|not finite"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = foreign_bvh(tmp_path / "walk.bvh")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(MotionError, match=said):
        BvhRig.load(path)


def test_what_is_no_body_is_refused(tmp_path: Path) -> None:
    path = foreign_bvh(tmp_path / "walk.bvh")
    path.write_text(re.sub(r"mixamorig:(Left|Right)", "Thing", path.read_text()))
    with pytest.raises(PlacidError, match="recognises"):
        BvhRig.load(path)


def test_a_motion_of_ours_is_what_is_given_back(foreign: BvhRig) -> None:
    assert isinstance(foreign.motion(), Motion)
    assert foreign.motion().joints[..., 1].min(axis=1).mean() == pytest.approx(0.0, abs=0.05)
