"""How well an armature does what was baked for it, measured on what Blender makes of the keys."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..rig.binding import Binding
from ..rig.retarget import Retargeted
from ..shared.motion.rotations import normalise
from ..shared.recognition.mapping import Mapping
from .body_bones import body_bones
from .evaluated_pose import sample_pose, to_world
from .ground import world_axes

# So many frames are looked at: each evaluates the whole scene.
_FRAMES = 12
# Degrees by which limbs may miss what was keyed, and shares of a leg by which hips may.
_BENT = 3.0
_ASTRAY = 0.05
# An object's axes may differ so much in size.
_STRETCH = 0.01
_NAMED = 3


@dataclass(frozen=True)
class Fit:
    """What the armature makes of a motion.

    Attributes:
        mean_error: degrees between limb directions of motion and armature, in the world, over
            limbs and frames.
        worst_error: the largest of them.
        astray: how far the hips are at most from where they were keyed, in the world's unit.
        hindrance: what keeps the armature from doing what was keyed, with a remedy; empty when
            nothing does.
    """

    mean_error: float
    worst_error: float
    astray: float
    hindrance: str


def measure_fit(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    mapping: Mapping,
    binding: Binding,
    result: Retargeted,
    frames: np.ndarray,
) -> Fit:
    """Compare what an armature does with what was baked for it.

    Args:
        result: what was baked.
        frames: (T,) scene frames of its keys.

    Raises:
        PlacidError: `not_posed`, when nothing can be measured.
    """
    own = np.flatnonzero(~result.led) if not result.led.all() else np.arange(len(frames))
    picks = own[np.unique(np.linspace(0, len(own) - 1, _FRAMES).round().astype(int))]
    shown = body_bones(armature, mapping)
    joints = sorted({joint for ends in result.limbs for joint in ends})
    names = [shown[mapping.bones[joint]] for joint in joints]
    path = sample_pose(scene, armature, [*names, shown[mapping.bones["pelvis"]]], frames[picks])
    points = to_world(path.world, path.heads)
    place = {joint: points[:, index] for index, joint in enumerate(joints)}
    axes = np.array([world_axes(matrix, binding)[0] for matrix in path.world])

    errors, bent = [], 0.0
    for start, end in result.limbs:
        along = np.einsum("tji,tj->ti", axes, normalise(place[end] - place[start]))
        errors.append(_degrees(along, result.limbs[start, end][picks]))
        bent = max(bent, float(_degrees(along, result.posed[start, end][picks]).max()))
    wanted = binding.rig.heads[binding.controls[0].bone] + (
        (result.hips[picks] - binding.heads[0]) @ binding.axes.T
    )
    apart = points[:, -1] - to_world(path.world, wanted[:, None])[:, 0]
    astray = float(np.linalg.norm(apart, axis=-1).max())
    size = world_axes(path.world[0], binding)[1]
    held = bent > _BENT or astray > _ASTRAY * binding.leg_length * size
    return Fit(
        float(np.mean(errors)),
        float(np.max(errors)),
        astray,
        _hindrance(armature, mapping, shown, path.world[0]) if held else "",
    )


def _degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1.0, 1.0)))


def _hindrance(
    armature: bpy.types.Object, mapping: Mapping, shown: dict[str, str], world: np.ndarray
) -> str:
    sizes = np.linalg.norm(world[:3, :3], axis=0)
    if np.ptp(sizes) > _STRETCH * sizes.max() or np.linalg.det(world[:3, :3]) < 0.0:
        return (
            f"{armature.name} is scaled unevenly or mirrored; apply its scale (Ctrl A) and retarget"
        )
    if held := list(_constrained(armature, mapping)):
        return f"{_list(held)} hold it; mute them and preview again"
    if driven := list(_driven(armature, mapping)):
        return f"drivers move {_list(driven)}; remove them or map other bones"
    data = armature.animation_data
    if data.action_influence < 1.0 or data.action_blend_type != "REPLACE":
        return "the NLA blends the action with the strips below; set it to Replace, influence 1"
    if idle := [bone for bone in mapping.bones.values() if shown[bone] != bone]:
        return f"the body does not follow {_list(idle)}; switch the rig from IK to FK"
    return "something in the rig holds it; look at its bones' relations, constraints and drivers"


def _constrained(armature: bpy.types.Object, mapping: Mapping) -> Iterator[str]:
    for name in mapping.all_bones():
        for constraint in armature.pose.bones[name].constraints:
            if constraint.enabled and constraint.influence > 0.0:
                yield f"{constraint.name} on {name}"


def _driven(armature: bpy.types.Object, mapping: Mapping) -> Iterator[str]:
    paths = [driver.data_path for driver in armature.animation_data.drivers]
    for name in mapping.all_bones():
        start = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        if any(path.startswith(start) for path in paths):
            yield name


def _list(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
