"""What people do in a file, read for an audit, and a file written again with some frames anew."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from ..retargeting.animation_state import playing_meanwhile
from ..retargeting.bone_mapping import filed_mapping
from ..retargeting.export import enabled, export_fbx, export_glb, played_frames
from ..retargeting.read_motion import read_motion
from ..retargeting.replace_frames import replace_frames
from ..retargeting.slots import curves_of, playing, strips_of
from ..shared.errors import PlacidError
from ..shared.filming.orders import (
    Animations,
    Filmed,
    FoundAnimation,
    ReadAnimations,
    WriteAnimation,
)
from ..shared.motion.motion import load_motion, save_motion

# With fewer frames nothing moves: poses of a library.
SHORTEST = 8


def read_animations(order: ReadAnimations) -> Animations:
    """Every action that a character of a file plays or could play.

    A character whose rig is not recognised, or who has no action, is told as a problem.
    """
    _open(Path(order.file))
    found: list[FoundAnimation] = []
    problems: list[str] = []
    for scene, armature, action in _animations():
        name = _name(armature, action)
        try:
            with playing_meanwhile(armature, action):
                first, last = played_frames(armature)
                if last - first + 1 < SHORTEST:
                    continue
                frames = (first, last)
                motion = read_motion(scene, armature, frames, mapping=filed_mapping(armature))
        except PlacidError as error:
            problems.append(f"{name}: {error.message}")
            continue
        path = Path(order.out) / f"{len(found)}.npz"
        save_motion(motion, path)
        found.append(FoundAnimation(name, str(path), first))
    return Animations(tuple(found), tuple(problems))


def write_animation(order: WriteAnimation) -> Filmed:
    """Write a file again; in a .blend the former action stays, beside the new one."""
    _open(Path(order.file))
    named = [found for found in _animations() if _name(*found[1:]) == order.name]
    if not named:
        raise PlacidError("no_action", f"{order.file} has no animation {order.name!r}")
    scene, armature, action = named[0]
    plain = action.name
    with playing_meanwhile(armature, action):
        first, _ = played_frames(armature)
    motion, mapping = load_motion(Path(order.motion)), filed_mapping(armature)
    action.name = f"{plain} as it was"
    made = replace_frames(scene, armature, action, motion, first, order.frames, plain, mapping)
    made.use_fake_user = True
    action.use_fake_user = True
    out = Path(order.out)
    _WRITERS[out.suffix.lower()](armature, out)
    return Filmed("")


def _animations() -> Iterator[tuple[bpy.types.Scene, bpy.types.Object, bpy.types.Action]]:
    for armature in [item for item in bpy.data.objects if item.type == "ARMATURE"]:
        for action in _actions(armature):
            if armature.users_scene:
                yield armature.users_scene[0], armature, action


def _actions(armature: bpy.types.Object) -> list[bpy.types.Action]:
    """What an armature plays, then what its strips play, then what else fits its bones."""
    others = [item for item in bpy.data.objects if item.type == "ARMATURE" and item != armature]
    taken = [playing(other)[0] for other in others]
    own = [playing(armature)[0]]
    own += [a for a in bpy.data.actions if strips_of(armature.animation_data, a)]
    own += [a for a in bpy.data.actions if a not in taken and _moves(a, armature)]
    return list(dict.fromkeys(action for action in own if action is not None))


def _moves(action: bpy.types.Action, armature: bpy.types.Object) -> bool:
    """Whether most of what an action moves are bones of the armature."""
    paths = {c.data_path.partition('"')[2] for c in curves_of(action, armature)}
    bones = [path.partition('"')[0] for path in paths if path]
    return sum(bone in armature.pose.bones for bone in bones) * 2 > len(bones) > 0


def _name(armature: bpy.types.Object, action: bpy.types.Action) -> str:
    return f"{armature.name}: {action.name}"


def _open(path: Path) -> None:
    """Open or import a file, with nothing else. Raises PlacidError `bad_file`."""
    try:
        if path.suffix.lower() == ".blend":
            # Scripts of a file stay asleep: what is loaded is never executed.
            bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
            return
        bpy.ops.wm.read_factory_settings(use_empty=True)
        module, read = _READERS[path.suffix.lower()]
        with enabled(module):
            read(str(path))
    except RuntimeError as error:
        raise PlacidError(
            "bad_file", f"{path} cannot be opened ({str(error).strip()}); save it again in Blender"
        ) from error


def _save_blend(_armature: bpy.types.Object, path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)


_READERS = {
    ".fbx": ("io_scene_fbx", lambda path: bpy.ops.import_scene.fbx(filepath=path)),
    ".glb": ("io_scene_gltf2", lambda path: bpy.ops.import_scene.gltf(filepath=path)),
}
_WRITERS = {
    ".blend": _save_blend,
    ".fbx": lambda armature, path: export_fbx(bpy.context, armature, path),
    ".glb": lambda armature, path: export_glb(bpy.context, armature, path),
}
