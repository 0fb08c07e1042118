"""A motion onto an armature of the scene: the one way from a take to an action."""

from dataclasses import dataclass, field

import bpy
import numpy as np

from ..rig.binding import Binding, bind
from ..rig.blend import Kept, Stance
from ..rig.direction import Direction
from ..rig.key_reduction import Bounds
from ..rig.read_rig import read_rig
from ..rig.retarget import Retargeted, RootMotion, retarget, retarget_cycle
from ..shared.errors import PlacidError
from ..shared.motion.changes import Change
from ..shared.motion.contacts import standing_feet
from ..shared.motion.kinematics import Pose, resample_contacts, resample_pose, solve
from ..shared.motion.motion import Motion, MotionError
from ..shared.recognition.mapping import Mapping
from .animation_state import play, unchanged_on_failure
from .bake import bake
from .body_bones import body_bones
from .bone_mapping import mapping_of
from .editable import check_editable
from .measure_fit import Fit, measure_fit
from .pin_goals import ScenePin, pin_goals
from .provenance import note_provenance
from .record_stance import record_stance
from .reduce_keys import reduce_keys
from .scene_ground import ground_below

# Of any scene in Blender.
_LAST_FRAME = 1_048_574
# Metres; a body has no shorter bone.
_LEAST_BONE = 1e-3
# A share of a leg by which a pinned limb may be off before it is told.
_UNMET = 0.02


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
        change: what is done to the motion first.
        bounds: how far fewer keys may be from one in each frame; None keeps all.
        kept: scene frames in which the armature does what it does now, each with a pose of a
            library that is put on it there, or None.
        pins: hands and feet that are held; a loop has none.
        ground: whether feet stand on the scene's meshes.
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
    change: Change = field(default_factory=Change)
    bounds: Bounds | None = None
    kept: tuple[tuple[int, bpy.types.Action | None], ...] = ()
    pins: tuple[ScenePin, ...] = ()
    ground: bool = False


@dataclass(frozen=True)
class Report:
    """What was done.

    Attributes:
        action: the new action, which the armature plays.
        rig: name of the mapping used.
        bones: how many bones got keys.
        fit: how well the armature follows, measured on its evaluated pose.
        skate: metres a second that standing feet slide, in the motion's scale.
        unmet: the pins that limbs do not reach, a sentence each.
    """

    action: bpy.types.Action
    rig: str
    bones: int
    fit: Fit
    skate: float
    unmet: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The report for a person."""
        fit = self.fit
        text = (
            f"{self.rig}: {self.bones} bones keyed, limbs {fit.mean_error:.1f}° off on average, "
            f"{fit.worst_error:.0f}° at worst"
        )
        if fit.hindrance:
            text += f", hips {fit.astray:.2f} astray: {fit.hindrance}"
        return "; ".join([text, *self.unmet])


def apply_motion(
    scene: bpy.types.Scene, armature: bpy.types.Object, motion: Motion, options: ApplyOptions
) -> Report:
    """Retarget a motion to an armature and bake it as one action at the scene's frame rate.

    When anything fails, the armature plays and stands as before and no action is made.

    Raises:
        RigError: the rig is not recognised or cannot stand for a human.
        MappingError: the given mapping is incomplete.
        MotionError: the motion shows no body.
        PlacidError: the armature cannot be animated now; see `check_editable`.
    """
    check_editable(armature)
    motion = options.change.apply(motion)
    rig = read_rig(armature)
    mapping = options.mapping or mapping_of(armature, rig)
    binding = bind(rig, mapping)
    scene_fps = scene.render.fps / scene.render.fps_base
    fps = options.fps or scene_fps
    step = scene_fps / fps
    result = _retarget(scene, armature, motion, binding, mapping, options, fps, step)
    name = options.name or motion.prompt or "Motion"
    with unchanged_on_failure(armature):
        action = bake(armature, result.keys, mapping.properties, name, options.frame_start, step)
        try:
            if options.bounds is not None:
                reduce_keys(scene, armature, action, mapping, options.bounds)
            play(armature, action)
            frames = options.frame_start + step * np.arange(len(result.hips))
            fit = measure_fit(scene, armature, mapping, binding, result, frames)
        except BaseException:
            bpy.data.actions.remove(action)
            raise
    note_provenance(action, motion)
    unmet = tuple(
        f"the {pin.sentence} is {100 * apart / binding.leg_length:.0f} % of a leg out of reach"
        for pin, apart in zip(options.pins, result.apart, strict=False)
        if apart > _UNMET * binding.leg_length
    )
    bones = len(result.keys.rotations)
    return Report(action, mapping.name, bones, fit, result.skate, unmet)


def _retarget(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    motion: Motion,
    binding: Binding,
    mapping: Mapping,
    options: ApplyOptions,
    fps: float,
    step: float,
) -> Retargeted:
    """The motion on the rig at `fps`, with keys `step` scene frames apart."""
    contacts = resample_contacts(standing_feet(motion), motion.fps, fps)
    pose = resample_pose(solve(motion), motion.fps, fps)
    _check_body(pose)
    _check_place(options.frame_start, options.frame_start + step * len(pose))
    common = (pose, contacts, fps, binding, options.pin_strength, options.root_motion)
    if options.loop:
        return retarget_cycle(*common)
    frames = options.frame_start + step * np.arange(len(pose))
    shown = body_bones(armature, mapping)

    def stance(part: np.ndarray) -> Stance | None:
        return record_stance(scene, armature, binding, shown, part) if len(part) else None

    first = round(options.blend_in / step)
    last = len(frames) - min(len(frames), round(options.blend_out / step))
    direction = Direction(
        _kept(scene, armature, binding, shown, options, frames),
        pin_goals(scene, armature, binding, options.pins, frames),
        ground_below(scene, armature, binding) if options.ground else None,
    )
    return retarget(*common, stance(frames[:first]), stance(frames[last:]), direction)


def _kept(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    binding: Binding,
    shown: dict[str, str],
    options: ApplyOptions,
    frames: np.ndarray,
) -> Kept | None:
    """What the armature does in the kept frames, of those in which the motion has a key."""
    rows = {round(float(frame), 3): row for row, frame in enumerate(frames)}
    held = [(frame, pose) for frame, pose in options.kept if float(frame) in rows]
    held.sort(key=lambda one: one[0])
    if not held:
        return None
    own = [frame for frame, _ in held]
    stance = record_stance(scene, armature, binding, shown, own, [pose for _, pose in held])
    return Kept(np.array([rows[float(frame)] for frame in own]), stance)


def _check_place(first: float, last: float) -> None:
    """Raises PlacidError `bad_place` for frames that no scene reaches."""
    if not -_LAST_FRAME <= first <= last <= _LAST_FRAME:
        raise PlacidError(
            "bad_place",
            f"the take would play in the frames {first:.0f} to {last:.0f}; Blender counts to "
            f"{_LAST_FRAME}, so choose another start in the panel Motion",
        )


def _check_body(pose: Pose) -> None:
    """Raises MotionError where the bones of a motion have no length, or none that ends."""
    lengths = np.linalg.norm(pose.offsets[1:], axis=-1)
    if not (np.isfinite(pose.root).all() and _LEAST_BONE < lengths.min() <= lengths.max() < 1e3):
        raise MotionError(
            f"the motion shows no body: its bones are {lengths.min():.3g} to {lengths.max():.3g} "
            "metres long; delete the take and generate again"
        )
