"""Pose anchors: frames whose poses are kept, and everything between them made under a prompt."""

from itertools import pairwise

import bpy
import numpy as np

from ...core import characters, runtime
from ...core.operator_base import Operator
from ...retargeting.export import playing_action
from ...retargeting.read_motion import read_poses
from ...retargeting.slots import curves_of
from ...shared.errors import PlacidError
from ...shared.motion.motion import Motion
from ...shared.protocol.messages import EditMotion
from ...shared.protocol.requests import MAX_RANGES
from ..generate.operators import busy, new_seed, settings_of
from .chosen_item import RemoveChosen

# Poses nearer to one another than this leave nothing to be made.
_LEAST_FRAMES = 8


class _ListVerb(Operator):
    """Base of the verbs that change the list; each is one step of undo."""

    bl_options = {"REGISTER", "UNDO"}


class PLACID_OT_add_anchor(_ListVerb, bpy.types.Operator):
    """Keep the pose of the current frame"""

    bl_idname = "placid.add_anchor"
    bl_label = "Keep Pose"

    def run(self, context):
        settings, frame = context.scene.placid_direction, context.scene.frame_current
        if frame not in [anchor.frame for anchor in settings.anchors]:
            settings.anchors.add().frame = frame
            _sort(settings)
        settings.anchor_index = [anchor.frame for anchor in settings.anchors].index(frame)


class PLACID_OT_remove_anchor(RemoveChosen, bpy.types.Operator):
    """Let the chosen frame be made anew"""

    bl_idname = "placid.remove_anchor"
    bl_label = "Do Not Keep"
    LIST = ("placid_direction", "anchors", "anchor_index")


class PLACID_OT_anchors_from_keys(_ListVerb, bpy.types.Operator):
    """Keep the poses of all frames in which the character's action has keys"""

    bl_idname = "placid.anchors_from_keys"
    bl_label = "From Keyframes"

    @classmethod
    def disabled_reason(cls, context):
        return _no_action(context)

    def run(self, context):
        armature = characters.target(context)
        action = playing_action(armature)
        frames = {
            round(point.co.x)
            for curve in curves_of(action, armature)
            for point in curve.keyframe_points
        }
        if len(frames) > MAX_RANGES:
            raise PlacidError(
                "bad_anchor",
                f"{action.name} has keys in {len(frames)} frames; keep at most {MAX_RANGES}: mark "
                "single frames with the plus",
            )
        settings = context.scene.placid_direction
        settings.anchors.clear()
        for frame in sorted(frames):
            settings.anchors.add().frame = frame
        settings.anchor_index = 0


class PLACID_OT_fill_between(Operator, bpy.types.Operator):
    """Make everything between the kept poses anew, under the prompt, as a new take"""

    bl_idname = "placid.fill_between"
    bl_label = "Fill Between Poses"

    @classmethod
    def disabled_reason(cls, context):
        if characters.target(context) is None:
            return "Select a character first"
        if not context.scene.placid.prompt.strip():
            return "Describe what the body shall do between the poses"
        if len(context.scene.placid_direction.anchors) < 2:
            return "Keep at least two poses"
        return busy() or characters.problem(context)

    def run(self, context):
        scene, armature = context.scene, characters.target(context)
        frames, motion = anchored_motion(scene, armature)
        new_seed(scene.placid)
        request = EditMotion(
            prompt=scene.placid.prompt.strip(),
            frames=tuple((a - frames[0] + 1, b - frames[0]) for a, b in _gaps(frames)),
            anchored=True,
            **settings_of(scene.placid),
        )
        kept = [
            (anchor.frame, anchor.pose.session_uid if anchor.pose else None)
            for anchor in scene.placid_direction.anchors
        ]
        runtime.get().generate(scene, request, lambda: armature, motion, frames[0], kept)


def anchored_motion(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[list[int], Motion]:
    """The kept frames, and a motion from the first to the last that has their poses.

    Raises:
        PlacidError: `bad_anchor` for frames that leave nothing between them.
    """
    anchors = sorted(scene.placid_direction.anchors, key=lambda anchor: anchor.frame)
    frames = [anchor.frame for anchor in anchors]
    for before, after in pairwise(frames):
        if before == after:
            raise PlacidError(
                "bad_anchor", f"frame {before} is kept twice; remove one of the two poses"
            )
    if frames[-1] - frames[0] < _LEAST_FRAMES:
        raise PlacidError(
            "bad_anchor",
            f"the kept poses lie within {frames[-1] - frames[0]} frames; put the first and the "
            f"last at least {_LEAST_FRAMES} frames apart",
        )
    # Where the object's parent carries it, it will carry the new take.
    poses = [anchor.pose for anchor in anchors]
    joints = read_poses(scene, armature, frames, space="parent", poses=poses)
    near = np.searchsorted(frames, np.arange(frames[0], frames[-1] + 1), side="right") - 1
    rate = scene.render.fps / scene.render.fps_base
    return frames, Motion(joints[near], "Y", rate)


def _gaps(frames: list[int]) -> list[tuple[int, int]]:
    """Pairs of kept frames with others between them."""
    return [(a, b) for a, b in pairwise(frames) if b - a > 1]


def _no_action(context: bpy.types.Context) -> str:
    armature = characters.target(context)
    if armature is None:
        return "Select a character first"
    if armature.animation_data is None or armature.animation_data.action is None:
        return "The character plays no action; key some poses first"
    return ""


def _sort(settings) -> None:
    """Bring the last one of the list to its place."""
    last = len(settings.anchors) - 1
    frame = settings.anchors[last].frame
    settings.anchors.move(last, sum(anchor.frame < frame for anchor in settings.anchors))


CLASSES = (
    PLACID_OT_add_anchor,
    PLACID_OT_remove_anchor,
    PLACID_OT_anchors_from_keys,
    PLACID_OT_fill_between,
)
