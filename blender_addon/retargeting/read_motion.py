"""A rig's movement back into a motion of our skeleton: the way of `apply_motion` reversed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import bpy
import numpy as np

from ..rig.binding import Binding, bind
from ..rig.read_rig import read_rig, up_of
from ..shared.motion.kinematics import resample
from ..shared.motion.motion import Motion
from ..shared.recognition.joints import joints_at
from ..shared.recognition.mapping import Mapping
from .body_bones import body_bones
from .bone_mapping import mapping_of
from .evaluated_pose import PosePath, sample_pose, to_world
from .ground import Ground


def read_motion(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: tuple[int, int],
    fps: float | None = None,
    mapping: Mapping | None = None,
    space: Literal["world", "parent"] = "world",
) -> Motion:
    """What an armature does, as joint positions, Y up, at the size of our skeleton.

    The body is read where it can be seen, with constraints, drivers and the object's own motion;
    its place and facing count from where the object is in the first frame.

    Args:
        scene: in which the armature plays its action.
        frames: first and last frame.
        fps: of the motion; None is the scene's frame rate.
        mapping: bones to read; None takes the armature's own, or recognises the rig.
        space: `parent` leaves out what the object's parent does, as for a motion that shall be
            played on the same armature again.

    Raises:
        RigError: the rig is not recognised.
        MappingError: the armature's own mapping is incomplete.
        PlacidError: `not_posed` in Edit Mode and in Rest Position.
    """
    joints = read_poses(scene, armature, range(frames[0], frames[1] + 1), mapping, space)
    scene_fps = scene.render.fps / scene.render.fps_base
    motion = Motion(joints, "Y", scene_fps)
    return motion if fps is None else resample(motion, fps)


def read_poses(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: Sequence[int],
    mapping: Mapping | None = None,
    space: Literal["world", "parent"] = "world",
    poses: Sequence[bpy.types.Action | None] = (),
) -> np.ndarray:
    """Joints (T, 22, 3) of an armature in single frames; see `read_motion`.

    Args:
        poses: poses of a library that are put on the character in these frames, None for none.
    """
    rig = read_rig(armature)
    mapping = mapping or mapping_of(armature, rig)
    names = [name for name in mapping.all_bones() if name != mapping.root]
    shown = body_bones(armature, mapping)
    path = sample_pose(scene, armature, [shown[name] for name in names], frames, poses)
    # The playhead may be where the object lies on its side.
    binding = bind(replace(rig, up=up_of(path.world[0])), mapping)
    places = _places(path, binding, names, space)
    joints = joints_at(places, mapping)
    joints[..., 1] -= max(0.0, np.median(joints[..., 1].min(axis=1)))
    return joints.astype(np.float32)


def _places(
    path: PosePath, binding: Binding, names: list[str], space: str
) -> dict[tuple[str, str], np.ndarray]:
    """Heads and tails (T, 3) by mapped bone and end: canonical axes, our size, floor at 0."""
    first = path.world[0]
    world = path.world
    if space == "parent":
        world = first @ np.linalg.inv(path.local[0]) @ path.local
    ground = Ground.of(first, binding)
    ends = {"head": to_world(world, path.heads), "tail": to_world(world, path.tails)}
    return {
        (name, end): ground.inside(points[:, index])
        for end, points in ends.items()
        for index, name in enumerate(names)
    }
