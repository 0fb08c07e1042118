"""A motion onto an armature of the scene: the one way from a take to an action."""

from dataclasses import dataclass

import bpy
import numpy as np

from ..rig.binding import Binding, bind
from ..rig.blend import Stance
from ..rig.mapping import Mapping
from ..rig.read_rig import read_rig
from ..rig.record import record_stance
from ..rig.retarget import Retargeted, RootMotion, retarget, retarget_cycle
from ..shared.motion.contacts import standing_feet
from ..shared.motion.kinematics import resample_contacts, resample_pose, solve
from ..shared.motion.motion import Motion
from .bake import bake, switch
from .bone_mapping import mapping_of


@dataclass(frozen=True)
class ApplyOptions:
    """How a motion is applied.

    Attributes:
        mapping: bones to use; None takes the armature's own, or recognises the rig.
        name: of the action; the prompt when empty.
        frame_start: scene frame of the first key.
        fps: keys a second; None is the scene's frame rate.
        pin_strength: 0 to 1, how firmly standing feet are held.
        root_motion: what carries the travel.
        blend_in: scene frames in which the motion takes over from what the armature does now, at
            the place where it stands; 0 starts at once, at the armature's origin.
        blend_out: scene frames in which the motion gives way to it again.
        loop: keep the part that repeats best and close it to a cycle; it is not blended.
    """

    mapping: Mapping | None = None
    name: str = ""
    frame_start: float = 1.0
    pin_strength: float = 1.0
    root_motion: RootMotion = "hips"
    fps: float | None = None
    blend_in: int = 0
    blend_out: int = 0
    loop: bool = False


@dataclass(frozen=True)
class Report:
    """What was done.

    Attributes:
        action: the new action, which the armature plays.
        rig: name of the mapping used.
        bones: how many bones got keys.
        mean_error: degrees between limb directions of motion and rig, over limbs and frames.
        worst_error: the largest of them.
        skate: metres a second that standing feet slide, in the motion's scale.
    """

    action: bpy.types.Action
    rig: str
    bones: int
    mean_error: float
    worst_error: float
    skate: float

    @property
    def sentence(self) -> str:
        """The report for a person."""
        return (
            f"{self.rig}: {self.bones} bones keyed, limbs {self.mean_error:.1f}° off on average, "
            f"{self.worst_error:.0f}° at worst"
        )


def apply_motion(
    scene: bpy.types.Scene, armature: bpy.types.Object, motion: Motion, options: ApplyOptions
) -> Report:
    """Retarget a motion to an armature and bake it as one action at the scene's frame rate.

    Raises:
        RigError: the rig is not recognised or cannot stand for a human.
        MappingError: the given mapping is incomplete.
    """
    rig = read_rig(armature)
    mapping = options.mapping or mapping_of(armature, rig)
    binding = bind(rig, mapping)
    scene_fps = scene.render.fps / scene.render.fps_base
    fps = options.fps or scene_fps
    step = scene_fps / fps
    result = _retarget(scene, armature, motion, binding, options, fps, step)
    name = options.name or motion.prompt or "Motion"
    action = bake(armature, result.keys, name, options.frame_start, step)
    switch(armature, action, mapping.properties, options.frame_start)
    _note_provenance(action, motion)
    return Report(
        action=action,
        rig=mapping.name,
        bones=len(result.keys.rotations),
        mean_error=float(np.mean(result.errors)),
        worst_error=float(np.max(result.errors)),
        skate=result.skate,
    )


def _retarget(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    motion: Motion,
    binding: Binding,
    options: ApplyOptions,
    fps: float,
    step: float,
) -> Retargeted:
    """The motion on the rig at `fps`, with keys `step` scene frames apart."""
    contacts = resample_contacts(standing_feet(motion), motion.fps, fps)
    pose = resample_pose(solve(motion), motion.fps, fps)
    common = (pose, contacts, fps, binding, options.pin_strength, options.root_motion)
    if options.loop:
        return retarget_cycle(*common)
    frames = options.frame_start + step * np.arange(len(pose))

    def stance(part: np.ndarray) -> Stance | None:
        return record_stance(scene, armature, binding, part) if len(part) else None

    first = round(options.blend_in / step)
    last = len(frames) - min(len(frames), round(options.blend_out / step))
    return retarget(*common, stance(frames[:first]), stance(frames[last:]))


def _note_provenance(action: bpy.types.Action, motion: Motion) -> None:
    """What made the motion stays readable on the action."""
    action["placid_prompt"] = motion.prompt
    if motion.seed is not None:
        action["placid_seed"] = str(motion.seed)
    for key, value in motion.provenance.items():
        action[f"placid_{key}"] = str(value)
