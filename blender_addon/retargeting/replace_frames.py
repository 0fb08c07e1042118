"""Some frames of an action from a motion, in a copy of it: all other frames stay as they are.

Bones that play none of our joints keep their curves. Where a rig is posed through other bones than
those that get keys, its switches are keyed for the new frames alone.
"""

from collections.abc import Sequence
from typing import Literal

import bpy
import numpy as np

from ..rig.binding import Binding, bind
from ..rig.lead_through import Carrier, lead_through
from ..rig.read_rig import read_rig
from ..shared.errors import PlacidError
from ..shared.motion.kinematics import resample_pose, solve
from ..shared.motion.motion import Motion
from ..shared.motion.rotations import from_matrix
from ..shared.recognition.mapping import Mapping
from .animation_state import play, playing_meanwhile, unchanged_on_failure
from .bake import bake
from .body_bones import body_bones
from .bone_mapping import mapping_of
from .editable import check_editable
from .evaluated_pose import sample_pose
from .provenance import note_provenance
from .record_stance import record_stance
from .slots import curves_of, new_curve

Span = tuple[int, int]


def replace_frames(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    action: bpy.types.Action,
    motion: Motion,
    first: int,
    spans: Sequence[Span],
    name: str,
    mapping: Mapping | None = None,
) -> bpy.types.Action:
    """A copy of an action, which the armature plays then, with new frames.

    Args:
        action: of the armature; it is not changed.
        motion: the whole movement as `read_motion` reads it, with the new frames.
        first: frame of the scene in which the motion begins.
        spans: ranges [start, end) of the motion's frames that are new.
        mapping: bones to pose; None takes the armature's own, or recognises the rig.

    Raises:
        RigError, MappingError: as of `apply_motion`.
        PlacidError: the armature cannot be animated now; see `check_editable`.
    """
    check_editable(armature)
    rig = read_rig(armature)
    mapping = mapping or mapping_of(armature, rig)
    binding = bind(rig, mapping)
    fps = scene.render.fps / scene.render.fps_base
    pose = resample_pose(solve(motion), motion.fps, fps)
    rate = fps / motion.fps
    with unchanged_on_failure(armature):
        made = action.copy()
        made.name = name
        made.use_fake_user = False
        try:
            with playing_meanwhile(armature, action):
                for start, end in spans:
                    # The frames of the scene that lie in the span.
                    span = (int(np.ceil(start * rate)), min(int(np.ceil(end * rate)), len(pose)))
                    _replace(scene, armature, action, made, pose, first, span, binding, mapping)
            play(armature, made)
        except BaseException:
            bpy.data.actions.remove(made)
            raise
    note_provenance(made, motion)
    return made


def _replace(scene, armature, action, made, pose, first, span, binding, mapping) -> None:
    start, end = span
    frames = np.arange(start, end)
    last = len(pose) - 1
    kept = (start - 1 if start > 0 else min(end, last), end if end <= last else max(start - 1, 0))
    shown = body_bones(armature, mapping)
    stance = record_stance(scene, armature, binding, shown, [first + at for at in kept])
    carrier = _carrier(scene, armature, binding, first + frames)
    keys = lead_through(pose, binding, frames, kept, stance, carrier)
    part = bake(armature, keys, {}, "Placid part", first + start)
    try:
        for curve in curves_of(part, armature):
            values = [point.co[1] for point in curve.keyframe_points]
            where = (curve.data_path, curve.array_index)
            _splice(armature, action, made, where, first + start, values)
    finally:
        bpy.data.actions.remove(part)
    for bone, switches in mapping.properties.items():
        for switch, value in switches.items():
            if switch in armature.pose.bones[bone]:
                path = (
                    f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'
                    f'["{bpy.utils.escape_identifier(switch)}"]'
                )
                values = [float(value)] * len(frames)
                _splice(armature, action, made, (path, 0), first + start, values, "CONSTANT")


def _carrier(
    scene: bpy.types.Scene, armature: bpy.types.Object, binding: Binding, frames: np.ndarray
) -> Carrier | None:
    """What the root bone does; None for a rig without one, or whose root rests."""
    if binding.root is None:
        return None
    name = binding.rig.bones[binding.root]
    matrices = sample_pose(scene, armature, [name], frames.tolist()).matrices[:, 0]
    rest = np.array(armature.data.bones[name].matrix_local)
    if np.allclose(matrices, rest, atol=1e-6):
        return None
    axes, pelvis = binding.axes, binding.controls[0].bone
    turns = matrices[:, :3, :3] / np.linalg.norm(matrices[:, :3, :3], axis=-2, keepdims=True)
    # The binding's origin lies where the pelvis' rest says it does.
    origin = binding.rig.heads[pelvis] - axes @ binding.heads[0]
    return Carrier(
        from_matrix(axes.T @ turns @ rest[:3, :3].T @ axes),
        (matrices[:, :3, 3] - origin) @ axes,
        (rest[:3, 3] - origin) @ axes,
    )


def _splice(
    armature: bpy.types.Object,
    action: bpy.types.Action,
    made: bpy.types.Action,
    where: tuple[str, int],
    start: int,
    values: Sequence[float],
    interpolation: Literal["LINEAR", "CONSTANT"] = "LINEAR",
) -> None:
    """Give a curve of the copy these values from frame `start` on, a frame each, and no others.

    Old keys that are far apart get keys in the frames between, as far as the next old one, so that
    those frames stay.
    """
    path, index = where
    end = start + len(values)
    curve = next(
        (c for c in curves_of(made, armature) if (c.data_path, c.array_index) == where), None
    )
    old = next(
        (c for c in curves_of(action, armature) if (c.data_path, c.array_index) == where), None
    )
    if curve is None:
        curve = new_curve(made, armature, path, index)
    points = curve.keyframe_points
    before = max((p.co[0] for p in points if p.co[0] <= start - 1), default=None)
    behind = min((p.co[0] for p in points if p.co[0] >= end), default=None)
    low = start - 1 if before is None else int(np.floor(before)) + 1
    high = end if behind is None else int(np.ceil(behind)) - 1
    at = _still(armature, path, index) if old is None or not points else None
    held = {
        frame: at if at is not None else old.evaluate(frame)
        for frame in (*range(low, start), *range(end, high + 1))
    }
    for point in points:
        if point.co[0] in (before, behind):
            # What is set by its neighbours stays as they leave.
            point.handle_left_type = point.handle_right_type = "FREE"
    for number in reversed(range(len(points))):
        if start - 1 < points[number].co[0] < end:
            points.remove(points[number], fast=True)
    for frame, value in {**held, **dict(enumerate(values, start))}.items():
        point = points.insert(frame, value, options={"FAST"})
        point.interpolation = interpolation
    for point in points:
        if point.co[0] == before and (held or before == start - 1):
            point.interpolation = interpolation
    curve.update()


def _still(armature: bpy.types.Object, path: str, index: int) -> float:
    """The value of a channel that nothing animates."""
    try:
        value = armature.path_resolve(path)
    except ValueError as error:
        raise PlacidError("bad_rig", f"{armature.name} has no {path}; {error}") from error
    return float(value[index]) if hasattr(value, "__len__") else float(value)
