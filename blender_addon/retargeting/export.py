"""The animation that a character plays, as files for other programs.

BVH, GLB and FBX come from Blender's own exporters, SMPL-X parameters from Placid. A file appears
whole or not at all, and selection, visibility, frame and scene range are afterwards as they were.
Each export returns what it left out, in words; nothing is left out silently.
"""

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import addon_utils
import bpy

from ..shared.errors import PlacidError
from ..shared.files import cannot_write, move_whole
from ..shared.motion.amass import save_amass, smplx_parameters
from .editable import check_untweaked
from .evaluated_pose import check_posed, evaluated
from .moved_meshes import hidden_meshes, rendered_meshes
from .provenance import properties_of
from .read_motion import read_motion
from .slots import frame_range, playing

# The exporters are add-ons of Blender's, which a user may have switched off.
_EXPORTERS = {"bvh": "io_anim_bvh", "glb": "io_scene_gltf2", "fbx": "io_scene_fbx"}

# Keys at a rate of their own lie between frames; rounding must not add a frame.
_TOLERANCE = 1e-3


def playing_action(armature: bpy.types.Object) -> bpy.types.Action:
    """What an armature plays. Raises PlacidError `no_action`, or `tweaked`: a strip that is edited
    plays at other frames than its action has."""
    check_untweaked(armature)
    action, _ = playing(armature)
    if action is None:
        raise PlacidError(
            "no_action", f"{armature.name} plays no action; accept a take or choose an action first"
        )
    return action


def played_frames(armature: bpy.types.Object) -> tuple[int, int]:
    """First and last frame of what an armature plays. Raises PlacidError `no_action`."""
    first, last = frame_range(playing_action(armature), armature)
    return math.floor(first + _TOLERANCE), math.ceil(last - _TOLERANCE)


def export_bvh(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> str:
    """Write the armature's action as BVH: Blender's axes, so Z is up."""

    def write(target: str, first: int, last: int) -> None:
        bpy.ops.export_anim.bvh(
            filepath=target, frame_start=first, frame_end=last, root_transform_only=False
        )

    _export(context, armature, path, "bvh", write)
    return ""


def export_glb(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> str:
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
            export_extras=True,
        )

    _export(context, armature, path, "glb", write)
    return _left_out(armature)


def export_fbx(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> str:
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
            use_custom_props=True,
        )

    _export(context, armature, path, "fbx", write)
    return _left_out(armature)


def export_smplx(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> str:
    """Write the action as SMPL-X parameters in AMASS's keys: Z up, at the scene's frame rate."""
    motion = read_motion(context.scene, armature, played_frames(armature))
    save_amass(smplx_parameters(motion), path)
    return ""


def _left_out(armature: bpy.types.Object) -> str:
    names = [mesh.name for mesh in hidden_meshes(armature)]
    return f"without {', '.join(names)}, which is not rendered" if names else ""


def _export(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: Path,
    suffix: str,
    write: Callable[[str, int, int], None],
) -> None:
    first, last = played_frames(armature)
    check_posed(armature)
    try:
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=".placid-") as folder,
            enabled(_EXPORTERS[suffix]),
            _alone(context, armature, (first, last)),
            _labelled(armature),
        ):
            partial = Path(folder) / f"motion.{suffix}"
            write(str(partial), first, last)
            move_whole(partial, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    except RuntimeError as error:
        raise _not_written(path, str(error).strip()) from error


@contextlib.contextmanager
def enabled(module: str) -> Iterator[None]:
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
    """The armature and what it moves are visible and selected, and the scene's range is that of
    the action."""
    scene, layer = context.scene, context.view_layer
    before = (scene.frame_start, scene.frame_end, scene.frame_current)
    selected, active = list(layer.objects.selected), layer.objects.active
    mode = "OBJECT" if active is None else active.mode
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    members = (armature, *rendered_meshes(armature))
    try:
        with evaluated(scene, members):
            _select(layer, members, armature)
            scene.frame_start, scene.frame_end = frames
            yield
    finally:
        _select(layer, selected, active)
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2])


@contextlib.contextmanager
def _labelled(armature: bpy.types.Object) -> Iterator[None]:
    """The armature itself says what made its action: exporters write objects' properties alone."""
    told = properties_of(playing_action(armature))
    before = {key: value for key, value in armature.items() if key in told}
    for key, value in told.items():
        armature[key] = value
    try:
        yield
    finally:
        for key in told:
            del armature[key]
        for key, value in before.items():
            armature[key] = value


def _select(
    layer: bpy.types.ViewLayer,
    members: Iterable[bpy.types.Object],
    active: bpy.types.Object | None,
) -> None:
    for other in list(layer.objects.selected):
        other.select_set(False)
    for member in members:
        member.select_set(True)
    layer.objects.active = active


def _not_written(path: Path, why: str) -> PlacidError:
    return PlacidError(
        "not_writable", f"{path} could not be written ({why}); choose another folder or name"
    )
