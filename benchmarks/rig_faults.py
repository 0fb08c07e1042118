"""What an animator looks for in a rig that plays a motion: popping, twisted wrists, loose feet."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parents[1]))

import bpy
import numpy as np

from shared.motion.contacts import standing_feet
from shared.motion.kinematics import resample_contacts
from shared.motion.motion import load_motion
from shared.motion.rotations import angle, conjugate, from_matrix, multiply
from shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS

SIDES = ("left", "right")
TWISTED = tuple(f"{side}_{joint}" for side in SIDES for joint in ("elbow", "wrist"))


@dataclass(frozen=True)
class Faults:
    """The worst of one motion on one rig.

    Attributes:
        step: degrees by which a bone turns against its parent from one frame to the next.
        step_at: that joint and frame.
        jolt: degrees by which such a step differs from the one before.
        jolt_at: that joint and frame.
        twist: degrees by which a forearm or hand is twisted against its parent's rest.
        sink: metres that a foot's skin is below the floor, in the worst frame.
        sink_at: that side and frame.
        hover: metres that the skin of a standing foot is above it, in the worst frame.
        hover_at: that side and frame.
        off: degrees that limbs point elsewhere than the motion's, on average.
        skate: metres a second that standing feet slide, in the motion's scale.
    """

    HEADINGS: ClassVar = (
        *("step °", "at", "jolt °", "at", "twist °", "sink cm", "at", "hover cm", "at"),
        *("off °", "skate cm/s"),
    )

    step: float
    step_at: str
    jolt: float
    jolt_at: str
    twist: float
    sink: float
    sink_at: str
    hover: float
    hover_at: str
    off: float
    skate: float

    def columns(self) -> Iterator[str]:
        """The table's cells, in the order of `HEADINGS`."""
        yield from (f"{self.step:.0f}", self.step_at, f"{self.jolt:.0f}", self.jolt_at)
        yield from (f"{self.twist:.0f}", f"{100 * self.sink:.1f}", self.sink_at)
        yield from (f"{100 * self.hover:.1f}", self.hover_at)
        yield from (f"{self.off:.1f}", f"{100 * self.skate:.1f}")


def find_faults(
    scene: bpy.types.Scene, armature: bpy.types.Object, bones: dict[str, str], path: Path, report
) -> Faults:
    """Play the scene's range and measure.

    Args:
        scene: in which the armature plays the motion from its first frame to its last.
        armature: the rig, with one mesh that it deforms.
        bones: by joint; a foot's skin belongs to them or, in Rigify, to their `DEF-` bones.
        path: the motion's file; tells when feet stand.
        report: of the retargeting.
    """
    first = scene.frame_start
    joints = [joint for joint in JOINT_NAMES if joint in bones]
    turned, heights = _play(scene, armature, bones, joints)
    change = multiply(conjugate(turned[:-1]), turned[1:])
    steps = np.degrees(angle(change))
    jolts = np.degrees(angle(multiply(conjugate(change[:-1]), change[1:])))
    # A bone's own y axis runs along it.
    twists = 2.0 * np.degrees(np.arctan2(np.abs(turned[..., 2]), np.abs(turned[..., 0])))
    hovering = np.where(_standing(path, scene.render.fps, len(heights)), heights, 0.0)
    return Faults(
        step=steps.max(),
        step_at=_place(steps, joints, first + 1),
        jolt=jolts.max(),
        jolt_at=_place(jolts, joints, first + 1),
        twist=twists[:, [joints.index(joint) for joint in TWISTED]].max(),
        sink=-heights.min(),
        sink_at=_place(-heights, SIDES, first),
        hover=hovering.max(),
        hover_at=_place(hovering, SIDES, first),
        off=report.fit.mean_error,
        skate=report.skate,
    )


def _play(
    scene: bpy.types.Scene, armature: bpy.types.Object, bones: dict[str, str], joints: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """How far bones are turned against their parents (T, N, 4), and how high soles are (T, 2)."""
    (skin,) = (item for item in scene.objects if item.find_armature() == armature)
    soles = [_vertices(skin, {bones[f"{side}_{j}"] for j in ("ankle", "foot")}) for side in SIDES]
    matrices, heights = [], []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        posed = armature.evaluated_get(scene.view_layers[0].depsgraph).pose.bones
        matrices.append([np.array(posed[bones[joint]].matrix)[:3, :3] for joint in joints])
        heights.append(_sole_heights(scene, skin, soles))
    rest = [np.array(armature.data.bones[bones[joint]].matrix_local)[:3, :3] for joint in joints]
    return _against_parents(np.array(matrices), np.array(rest), joints), np.array(heights)


def _against_parents(matrices: np.ndarray, rest: np.ndarray, joints: list[str]) -> np.ndarray:
    """Turns (T, N, 4) in each bone's rest axes, from matrices (T, N, 3, 3) in armature space."""
    matrices = matrices / np.linalg.norm(matrices, axis=-2, keepdims=True)
    away = matrices @ np.swapaxes(rest, -1, -2)
    own = away.copy()
    for i, joint in enumerate(joints):
        parent = PARENTS[JOINT[joint]]
        while parent >= 0 and JOINT_NAMES[parent] not in joints:
            parent = PARENTS[parent]
        if parent >= 0:
            before = away[:, joints.index(JOINT_NAMES[parent])]
            own[:, i] = np.swapaxes(before, -1, -2) @ away[:, i]
    return from_matrix(np.swapaxes(rest, -1, -2) @ own @ rest)


def _vertices(skin: bpy.types.Object, bones: set[str]) -> np.ndarray:
    """Indices of the vertices that follow some of the bones more than any other bone."""
    names = bones | {bone.replace("ORG-", "DEF-") for bone in bones}
    wanted = {group.index for group in skin.vertex_groups if group.name in names}
    return np.array(
        [
            vertex.index
            for vertex in skin.data.vertices
            if vertex.groups and max(vertex.groups, key=lambda g: g.weight).group in wanted
        ]
    )


def _sole_heights(
    scene: bpy.types.Scene, skin: bpy.types.Object, soles: list[np.ndarray]
) -> list[float]:
    """Height of the lowest vertex of each foot above the floor, in metres."""
    shown = skin.evaluated_get(scene.view_layers[0].depsgraph)
    places = np.empty(3 * len(shown.data.vertices), dtype=np.float32)
    shown.data.vertices.foreach_get("co", places)
    up = np.array(shown.matrix_world)[2]
    heights = places.reshape(-1, 3) @ up[:3] + up[3]
    return [float(heights[sole].min()) for sole in soles]


def _standing(path: Path, fps: float, frames: int) -> np.ndarray:
    """Whether left and right foot stand (T, 2)."""
    motion = load_motion(path)
    contacts = resample_contacts(standing_feet(motion), motion.fps, fps)[:frames]
    return contacts.reshape(len(contacts), 2, 2).any(axis=-1)


def _place(values: np.ndarray, names: Sequence[str], first: int) -> str:
    """Name and frame of the largest of some values (T, N) that begin at frame `first`."""
    frame, column = np.unravel_index(values.argmax(), values.shape)
    return f"{names[column]} {first + frame}"
