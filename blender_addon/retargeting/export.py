"""The animation that a character plays, as files for other programs.

BVH, GLB and FBX come from Blender's own exporters, SMPL-X parameters from Placid. A file appears
whole or not at all, and selection, frame and scene range are afterwards as they were.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy

from ..filming.stage import dependents
from ..shared.errors import PlacidError
from ..shared.files import cannot_write, move_whole
from ..shared.motion.amass import save_amass, smplx_parameters
from .read_motion import read_motion

# The exporters are add-ons of Blender's, which a user may have switched off.
_EXPORTERS = {"bvh": "io_anim_bvh", "glb": "io_scene_gltf2", "fbx": "io_scene_fbx"}


def playing_action(armature: bpy.types.Object) -> bpy.types.Action:
    """What an armature plays. Raises PlacidError `no_action`."""
    action = armature.animation_data.action if armature.animation_data else None
    if action is None:
        raise PlacidError(
            "no_action", f"{armature.name} plays no action; accept a take or choose an action first"
        )
    return action


def export_bvh(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write the armature's action as BVH: Blender's axes, so Z is up."""

    def write(target: str, first: int, last: int) -> None:
        bpy.ops.export_anim.bvh(
            filepath=target, frame_start=first, frame_end=last, root_transform_only=False
        )

    _export(context, armature, path, "bvh", write)


def export_glb(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write the armature, what it moves, and its action as binary glTF: Y up, metres."""

    def write(target: str, first: int, last: int) -> None:
        bpy.ops.export_scene.gltf(
            filepath=target,
            export_format="GLB",
            use_selection=True,
            export_animation_mode="ACTIVE_ACTIONS",
            export_force_sampling=True,
            export_optimize_animation_size=False,
            export_anim_slide_to_zero=True,
        )

    _export(context, armature, path, "glb", write)


def export_fbx(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write the armature, what it moves, and its action as FBX."""

    def write(target: str, first: int, last: int) -> None:
        bpy.ops.export_scene.fbx(
            filepath=target,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            add_leaf_bones=False,
            bake_anim_use_all_actions=False,
            bake_anim_use_nla_strips=False,
            bake_anim_simplify_factor=0.0,
        )

    _export(context, armature, path, "fbx", write)


def export_smplx(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write the action as SMPL-X parameters in AMASS's keys: Z up, at the scene's frame rate."""
    motion = read_motion(context.scene, armature, _frames(armature))
    save_amass(smplx_parameters(motion), path)


def _frames(armature: bpy.types.Object) -> tuple[int, int]:
    first, last = playing_action(armature).frame_range
    return round(first), round(last)


def _export(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: Path,
    suffix: str,
    write: Callable[[str, int, int], None],
) -> None:
    first, last = _frames(armature)
    try:
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=".placid-") as folder,
            _enabled(_EXPORTERS[suffix]),
            _alone(context, armature, (first, last)),
        ):
            partial = Path(folder) / f"motion.{suffix}"
            write(str(partial), first, last)
            move_whole(partial, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    except RuntimeError as error:
        raise _not_written(path, str(error).strip()) from error


@contextlib.contextmanager
def _enabled(module: str) -> Iterator[None]:
    """One of Blender's add-ons, switched on for as long as it is needed."""
    _, was_on = addon_utils.check(module)
    if not was_on:
        addon_utils.enable(module, default_set=False)
    try:
        yield
    finally:
        if not was_on:
            addon_utils.disable(module, default_set=False)


@contextlib.contextmanager
def _alone(
    context: bpy.types.Context, armature: bpy.types.Object, frames: tuple[int, int]
) -> Iterator[None]:
    """The armature and what it moves are selected, and the scene's range is that of the action."""
    scene, layer = context.scene, context.view_layer
    before = (scene.frame_start, scene.frame_end, scene.frame_current)
    selected, active, mode = list(layer.objects.selected), layer.objects.active, armature.mode
    if active is not None and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        for other in selected:
            other.select_set(False)
        for member in (armature, *dependents(armature)):
            member.select_set(True)
        layer.objects.active = armature
        scene.frame_start, scene.frame_end = frames
        yield
    finally:
        for other in list(layer.objects.selected):
            other.select_set(False)
        for other in selected:
            other.select_set(True)
        layer.objects.active = active
        if active == armature and mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2])


def _not_written(path: Path, why: str) -> PlacidError:
    return PlacidError(
        "not_writable", f"{path} could not be written ({why}); choose another folder or name"
    )
