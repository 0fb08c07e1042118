"""Fewer keys for an action: its curves are read, fitted and written anew."""

from collections.abc import Generator

import bpy
import numpy as np

from ..rig.binding import bind
from ..rig.key_reduction import Bounds, Channels, KeyReduction
from ..rig.read_rig import read_rig
from ..rig.rotation_modes import channel_of
from ..shared.errors import PlacidError
from ..shared.recognition.mapping import Mapping
from .bake import write_bezier
from .ground import world_axes
from .slots import curves_of

# Components of a channel.
_SIZES = {
    "location": 3,
    "rotation_quaternion": 4,
    "rotation_axis_angle": 4,
    "rotation_euler": 3,
}
# Frames between two keys are at least so far apart.
_LEAST_STEP = 0.25


def reduce_keys(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    action: bpy.types.Action,
    mapping: Mapping,
    bounds: Bounds,
) -> float:
    """Give an action fewer keys. The share of keys that are left; see `reduction_steps`."""
    steps = reduction_steps(scene, armature, action, mapping, bounds)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def reduction_steps(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    action: bpy.types.Action,
    mapping: Mapping,
    bounds: Bounds,
) -> Generator[None, None, float]:
    """Give an action fewer keys, a little of the work in each step; the last one writes them all.

    Rotations and locations of bones get Bezier curves that share their keys; other curves, and
    those of channels that lack a component, stay as they are.

    Args:
        mapping: the bones that carry hands and feet.

    Returns:
        The share of keys that are left.

    Raises:
        PlacidError: `no_keys` where the action does not move two frames of a bone.
    """
    frames, channels = _read(armature, action)
    binding = bind(read_rig(armature), mapping)
    step = float(frames[1] - frames[0])
    fps = scene.render.fps / scene.render.fps_base / step
    size = world_axes(np.array(armature.matrix_world), binding)[1]
    work = KeyReduction(channels, binding, fps, size, bounds)
    yield
    yield from work.steps()
    # Looked up again: whatever happened between two steps may have moved curves in memory.
    for (bone, channel), curves in _groups(armature, action).items():
        fit = (work.locations if channel == "location" else work.rotations)[bone]
        for axis, curve in enumerate(curves):
            slopes = fit.slopes[:, :, axis] / step
            write_bezier(curve, frames[fit.keys], fit.values[:, axis], slopes)
    return work.share


def _groups(
    armature: bpy.types.Object, action: bpy.types.Action
) -> dict[tuple[str, str], list[bpy.types.FCurve]]:
    """The curves of whole channels that move, by bone and channel, in their components' order."""
    found: dict[str, dict[int, bpy.types.FCurve]] = {}
    for curve in curves_of(action, armature):
        found.setdefault(curve.data_path, {})[curve.array_index] = curve
    groups = {}
    for bone in armature.pose.bones:
        for channel in ("location", channel_of(bone.rotation_mode)):
            path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].{channel}'
            parts = found.get(path, {})
            whole = len(parts) == _SIZES[channel]
            if whole and max(len(curve.keyframe_points) for curve in parts.values()) > 1:
                groups[bone.name, channel] = [parts[i] for i in range(len(parts))]
    return groups


def _read(armature: bpy.types.Object, action: bpy.types.Action) -> tuple[np.ndarray, Channels]:
    """Evenly spaced frames (T,) and what an action does with the bones of an armature in them."""
    groups = _groups(armature, action)
    frames = _frames([curve for group in groups.values() for curve in group])
    if len(frames) < 2:
        raise PlacidError(
            "no_keys",
            f"{action.name} moves no bone of {armature.name}; choose another take or retarget it",
        )
    rotations: dict[str, np.ndarray] = {}
    locations: dict[str, np.ndarray] = {}
    for (bone, channel), group in groups.items():
        values = np.array([[curve.evaluate(frame) for curve in group] for frame in frames])
        (locations if channel == "location" else rotations)[bone] = values
    modes = {bone.name: bone.rotation_mode for bone in armature.pose.bones}
    return frames, Channels(rotations, modes, locations)


def _frames(curves: list[bpy.types.FCurve]) -> np.ndarray:
    """Evenly spaced frames from the first key to the last, as dense as the keys."""
    times = set()
    for curve in curves:
        places = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", places)
        times.update(places[::2].tolist())
    if len(times) < 2:
        return np.array(sorted(times))
    ordered = np.array(sorted(times))
    step = max(float(np.diff(ordered).min()), _LEAST_STEP)
    count = round((ordered[-1] - ordered[0]) / step) + 1
    return np.linspace(ordered[0], ordered[-1], count)
