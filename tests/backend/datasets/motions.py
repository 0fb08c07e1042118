"""Small made-up motions and data folders in the layout of the real sources."""

import json
from pathlib import Path

import numpy as np

from shared.motion.skeleton import JOINT, JOINT_COUNT

# A standing body facing +Z: x to its left, y up.
_PLACE = {
    "pelvis": (0, 0.95),
    "hip": (0.1, 0.87),
    "spine1": (0, 1.07),
    "knee": (0.1, 0.47),
    "spine2": (0, 1.19),
    "ankle": (0.1, 0.08),
    "spine3": (0, 1.25),
    "foot": (0.1, 0.02),
    "neck": (0, 1.45),
    "collar": (0.07, 1.38),
    "head": (0, 1.58),
    "shoulder": (0.18, 1.4),
    "elbow": (0.2, 1.12),
    "wrist": (0.21, 0.88),
}


def standing(frames: int) -> np.ndarray:
    """A body at rest, float32 (frames, 22, 3), Y up, facing +Z."""
    pose = np.zeros((JOINT_COUNT, 3), dtype=np.float32)
    for name, index in JOINT.items():
        side, _, part = name.rpartition("_")
        x, y = _PLACE[part]
        pose[index] = (-x if side == "right" else x, y, 0.12 if part == "foot" else 0.0)
    return np.repeat(pose[None], frames, axis=0)


def walking(frames: int, turn: float = 0.0, speed: float = 1.2) -> np.ndarray:
    """Glide along +Z at `speed` m/s, turning by `turn` degrees (left positive) half-way."""
    joints = standing(frames)
    share = np.clip((np.arange(frames) / frames - 0.4) / 0.2, 0.0, 1.0)
    angle = np.radians(turn) * share
    sin, cos = np.sin(angle)[:, None], np.cos(angle)[:, None]
    x, z = joints[..., 0].copy(), joints[..., 2].copy()
    joints[..., 0], joints[..., 2] = cos * x + sin * z, cos * z - sin * x
    step = np.stack([sin[:, 0], 0 * sin[:, 0], cos[:, 0]], axis=-1) * speed / 20
    return (joints + np.cumsum(step, axis=0)[:, None]).astype(np.float32)


def kicking(frames: int, peaks: list[int], side: str = "right", lift: float = 85.0) -> np.ndarray:
    """Stand and swing a straight leg forward and up by `lift` degrees at the given frames."""
    joints = standing(frames)
    hip, ankle = JOINT[f"{side}_hip"], JOINT[f"{side}_ankle"]
    for peak in peaks:
        for frame in range(peak - 5, peak + 6):
            swing = np.radians(lift) * (1 - abs(frame - peak) / 6)
            for part in ("knee", "ankle", "foot"):
                joint = JOINT[f"{side}_{part}"]
                length = joints[0, hip, 1] - joints[0, joint, 1]
                joints[frame, joint, 1] = joints[0, hip, 1] - length * np.cos(swing)
                joints[frame, joint, 2] = length * np.sin(swing)
    assert joints[peaks[0], ankle, 1] > 0.7
    return joints


def write_bandai(root: Path, clips: dict[str, tuple[str, str, np.ndarray]]) -> None:
    """Write `bandai_namco/` from id → (content, style, joints)."""
    folder = root / "bandai_namco"
    folder.mkdir(parents=True)
    meta = [
        {"id": name, "content": content, "style": style, "frames": len(joints)}
        for name, (content, style, joints) in clips.items()
    ]
    (folder / "meta.json").write_text(json.dumps(meta))
    np.savez(folder / "joints22_20fps.npz", **{n: joints for n, (_, _, joints) in clips.items()})


def write_cmu(root: Path, clips: dict[str, tuple[str, np.ndarray, list[dict]]]) -> None:
    """Write `cmu/` from clip → (description, joints, further records)."""
    folder = root / "cmu"
    (folder / "cmu_npz").mkdir(parents=True)
    lines = []
    for name, (description, joints, more) in clips.items():
        np.savez(folder / "cmu_npz" / f"{name}.npz", joints22=joints)
        whole = {"kind": "full_clip", "start": 0, "end": len(joints), "captions": []}
        for record in ({**whole}, *more):
            record = {**whole, "clip": name, "npz": f"cmu_npz/{name}.npz", **record}
            lines.append(json.dumps({"cmu_description": description, **record}))
    (folder / "captions.jsonl").write_text("\n".join(lines) + "\n")


def write_deepmimic(root: Path, names: list[str], frames: int = 31) -> None:
    """Write `deepmimic/humanoid3d_*.txt`: a body at rest that moves 1 m along +X."""
    folder = root / "deepmimic"
    folder.mkdir(parents=True)
    rest = [1.0, 0.0, 0.0, 0.0]
    balls = [rest, rest, rest, [0.0], rest, rest, [0.0], rest, [0.0], rest, rest, [0.0]]
    pose = [value for joint in balls for value in joint]
    rows = [[1 / 30, at, 0.9, 0.0, *rest, *pose] for at in np.linspace(0.0, 1.0, frames).tolist()]
    for name in names:
        content = json.dumps({"Loop": "wrap", "Frames": rows})
        (folder / f"humanoid3d_{name}.txt").write_text(content)
