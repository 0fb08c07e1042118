"""What an armature plays and how it stands: kept, put back, and changed without leftovers.

Whatever lets an armature play something else goes through here, so that a verb that fails leaves
the armature as it was, and an action looks the same whatever was played before it.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import msgspec

from .slots import assign_action, curves_of, frame_range, playing

_TRANSFORMS = (
    *("location", "scale"),
    *("rotation_quaternion", "rotation_euler", "rotation_axis_angle"),
)
# The last step of a data path: an attribute, or a custom property in brackets.
_LAST_STEP = re.compile(r'(?P<owner>.*?)\.?(?:(?P<attribute>\w+)|\["(?P<key>(?:[^"\\]|\\.)*)"\])')


class Pose(msgspec.Struct):
    """Where an object and its pose bones stand by their own channels.

    Attributes:
        place: the object's transforms, by channel.
        bones: the transforms of the bones that do not rest, by bone and channel.
        numbers: the bones' custom properties that are numbers, by bone and name.
    """

    place: dict[str, list[float]]
    bones: dict[str, dict[str, list[float]]]
    numbers: dict[str, dict[str, bool | int | float]]


@dataclass(frozen=True)
class AnimationState:
    """What an armature plays, by action and slot, and how it stands."""

    action: bpy.types.Action | None
    slot: int
    pose: Pose


def capture(armature: bpy.types.Object) -> AnimationState:
    """The state of an armature, to be put back with `restore`."""
    rest = _rest_channels()
    bones = {}
    for bone in armature.pose.bones:
        channels = {name: list(getattr(bone, name)) for name in _TRANSFORMS}
        if moved := {name: values for name, values in channels.items() if values != rest[name]}:
            bones[bone.name] = moved
    numbers = {
        bone.name: own
        for bone in armature.pose.bones
        if (own := {k: v for k, v in bone.items() if isinstance(v, bool | int | float)})
    }
    place = {name: list(getattr(armature, name)) for name in _TRANSFORMS}
    return AnimationState(*playing(armature), Pose(place, bones, numbers))


def restore(armature: bpy.types.Object, state: AnimationState) -> None:
    """Let an armature play and stand as it did."""
    if armature.animation_data is not None or state.action is not None:
        assign_action(armature, state.action, state.slot)
    stand(armature, state.pose)


def stand(armature: bpy.types.Object, pose: Pose) -> None:
    """Put object and pose bones where a pose has them; other bones rest."""
    _set_unequal(armature, pose.place)
    rest = _rest_channels()
    for bone in armature.pose.bones:
        _set_unequal(bone, rest | pose.bones.get(bone.name, {}))
        for name, value in pose.numbers.get(bone.name, {}).items():
            if bone.get(name, value) != value:
                bone[name] = value


def _set_unequal(owner, channels: dict[str, list[float]]) -> None:
    """Write only what differs: what is written to an override counts as changed."""
    for name, values in channels.items():
        if list(getattr(owner, name)) != values:
            setattr(owner, name, values)


@contextlib.contextmanager
def unchanged_on_failure(armature: bpy.types.Object) -> Iterator[AnimationState]:
    """Put back what an armature plays and how it stands when the block fails."""
    state = capture(armature)
    try:
        yield state
    except BaseException:
        restore(armature, state)
        raise


@contextlib.contextmanager
def playing_meanwhile(armature: bpy.types.Object, action: bpy.types.Action) -> Iterator[None]:
    """The armature plays an action in the block; afterwards it plays and stands as before."""
    state = capture(armature)
    try:
        play(armature, action)
        yield
    finally:
        restore(armature, state)


def play(armature: bpy.types.Object, action: bpy.types.Action | None, slot: int = 0) -> None:
    """Let an armature play an action instead of its present one, of which nothing stays."""
    former, _ = playing(armature)
    left = [] if former is None else _channels(armature, former)
    assign_action(armature, action, slot)
    _release(armature, left)


def return_to(armature: bpy.types.Object, state: AnimationState) -> None:
    """Like `restore`, from another action, of which nothing stays."""
    play(armature, state.action, state.slot)
    stand(armature, state.pose)


@contextlib.contextmanager
def without_leftovers(armature: bpy.types.Object, action: bpy.types.Action) -> Iterator[None]:
    """What an action did to an armature goes with it when the block takes the action away."""
    left = _channels(armature, action)
    yield
    _release(armature, left)


def _channels(armature: bpy.types.Object, action: bpy.types.Action) -> list[tuple[str, int, float]]:
    """What an action moves: data path, index, and the value where the action begins."""
    begin = frame_range(action, armature)[0]
    return [(c.data_path, c.array_index, c.evaluate(begin)) for c in curves_of(action, armature)]


def _release(armature: bpy.types.Object, left: list[tuple[str, int, float]]) -> None:
    """Bring to rest what nothing moves any more.

    What has no rest, such as the object itself or a custom property, goes where the action began.
    """
    action, _ = playing(armature)
    moved = set() if action is None else {c[:2] for c in _channels(armature, action)}
    for path, index, value in left:
        if (path, index) not in moved:
            _reset(armature, path, index, value)


def encode_pose(pose: Pose) -> str:
    """A pose as text that `decode_pose` reads."""
    return msgspec.json.encode(pose).decode()


def decode_pose(text: str) -> Pose | None:
    """A pose from `encode_pose`; None from anything else."""
    try:
        return msgspec.json.decode(text, type=Pose)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _reset(armature: bpy.types.Object, path: str, index: int, value: float) -> None:
    """Bring one channel to rest, or to `value` where it has no rest."""
    step = _LAST_STEP.fullmatch(path)
    if step is None:
        return
    try:
        owner = armature.path_resolve(step["owner"]) if step["owner"] else armature
    except ValueError:
        # The bone was renamed or removed after the action was made.
        return
    name = step["attribute"]
    if name is None:
        _set_custom(owner, bpy.utils.unescape_identifier(step["key"]), index, value)
        return
    if isinstance(owner, bpy.types.PoseBone) and name in _TRANSFORMS:
        value = _rest_channels()[name][index]
    kind = owner.bl_rna.properties.get(name)
    if kind is None or kind.is_readonly or kind.type not in ("FLOAT", "INT", "BOOLEAN"):
        return
    if kind.is_array:
        getattr(owner, name)[index] = value
    else:
        setattr(owner, name, type(getattr(owner, name))(value))


def _set_custom(owner, key: str, index: int, value: float) -> None:
    present = owner.get(key)
    if isinstance(present, bool | int | float):
        owner[key] = type(present)(value)
    elif present is not None and hasattr(present, "typecode"):
        present[index] = value


def _rest_channels() -> dict[str, list[float]]:
    """The transforms of a bone at rest, by channel."""
    kinds = bpy.types.PoseBone.bl_rna.properties
    return {name: list(kinds[name].default_array) for name in _TRANSFORMS}
