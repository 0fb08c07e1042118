"""A rig's movement back into a motion of our skeleton: the way of `rig/apply.py` reversed."""

import bpy
import numpy as np

from ..rig.binding import bind
from ..rig.mapping import Mapping
from ..rig.read_rig import read_rig
from ..shared.motion.kinematics import resample
from ..shared.motion.motion import Motion
from ..shared.motion.skeleton import BONE_LENGTHS, JOINT, JOINT_COUNT
from .bone_mapping import mapping_of

_LEG = float(BONE_LENGTHS[JOINT["left_knee"]] + BONE_LENGTHS[JOINT["left_ankle"]])


def read_motion(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: tuple[int, int],
    fps: float | None = None,
    mapping: Mapping | None = None,
) -> Motion:
    """What an armature does, as joint positions, Y up, at the size of our skeleton.

    Args:
        scene: in which the armature plays its action.
        frames: first and last frame.
        fps: of the motion; None is the scene's frame rate.
        mapping: bones to read; None takes the armature's own, or recognises the rig.

    Raises:
        RigError: the rig is not recognised.
        MappingError: the armature's own mapping is incomplete.
    """
    rig = read_rig(armature)
    mapping = mapping or mapping_of(armature, rig)
    binding = bind(rig, mapping)
    points = _record(scene, armature, mapping, frames)
    # Of the binding's axes, the origin lies on the floor.
    pelvis = binding.controls[0].bone
    floor = rig.heads[pelvis] - binding.axes @ binding.heads[0]
    scale = _LEG / binding.leg_length
    places = {key: (place - floor) @ binding.axes * scale for key, place in points.items()}
    joints = _joints(places, mapping)
    joints[..., 1] -= max(0.0, np.median(joints[..., 1].min(axis=1)))
    scene_fps = scene.render.fps / scene.render.fps_base
    motion = Motion(joints.astype(np.float32), "Y", scene_fps)
    return motion if fps is None else resample(motion, fps)


def _record(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    mapping: Mapping,
    frames: tuple[int, int],
) -> dict[tuple[str, str], np.ndarray]:
    """Heads and tails (T, 3) of the mapped bones in armature space, by bone and end."""
    names = [name for name in mapping.all_bones() if name != mapping.root]
    current = scene.frame_current
    rows = []
    for frame in range(frames[0], frames[1] + 1):
        scene.frame_set(frame)
        posed = armature.evaluated_get(scene.view_layers[0].depsgraph).pose.bones
        rows.append([(*posed[name].head, *posed[name].tail) for name in names])
    scene.frame_set(current)
    ends = np.array(rows).reshape(len(rows), len(names), 2, 3)
    return {
        (name, end): ends[:, index, side]
        for index, name in enumerate(names)
        for side, end in enumerate(("head", "tail"))
    }


def _joints(places: dict[tuple[str, str], np.ndarray], mapping: Mapping) -> np.ndarray:
    """Our joints (T, 22, 3); what a rig has no bone for lies between or behind its neighbours."""
    found = {joint: places[bone, "head"] for joint, bone in mapping.bones.items()}
    chain = [found["pelvis"], *(places[bone, "head"] for bone in mapping.spine)]
    top = places[(mapping.spine or (mapping.bones["pelvis"],))[-1], "tail"]
    found.setdefault("head", places[mapping.neck[-1], "tail"] if mapping.neck else top)
    found["neck"] = places[mapping.neck[0], "head"] if mapping.neck else found["head"]
    if len(chain) == 1:
        chain = [found["pelvis"], found["neck"]]
    for number in (1, 2, 3):
        # The spine's bones are spread over our three joints as the binding spreads them.
        found[f"spine{number}"] = _along(chain, number * (len(chain) - 1) / 3)
    for side in ("left", "right"):
        shoulder = found[f"{side}_shoulder"]
        found.setdefault(f"{side}_collar", (2 * found["neck"] + shoulder) / 3)
        found.setdefault(f"{side}_wrist", places[mapping.bones[f"{side}_elbow"], "tail"])
        found.setdefault(f"{side}_foot", places[mapping.bones[f"{side}_ankle"], "tail"])
    joints = np.empty((len(found["pelvis"]), JOINT_COUNT, 3))
    for name, index in JOINT.items():
        joints[:, index] = found[name]
    return joints


def _along(chain: list[np.ndarray], at: float) -> np.ndarray:
    low = min(int(at), len(chain) - 2)
    return chain[low] + (at - low) * (chain[low + 1] - chain[low])
