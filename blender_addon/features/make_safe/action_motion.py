"""What a character's action shows, as it is sent to the backend, and its frames there and here."""

from dataclasses import dataclass
from typing import Final

import bpy

from ...core import characters
from ...retargeting.export import played_frames
from ...retargeting.read_motion import read_motion
from ...shared.motion.motion import Motion
from ..generate.operators import busy

# More frames are too long a message; at this rate the networks work anyway.
MOST_FRAMES: Final = 2400
FEWER: Final = 20.0


@dataclass(frozen=True)
class ActionMotion:
    """An action's motion.

    Attributes:
        first: frame of the scene in which it begins.
        rate: frames of the scene in one of the motion.
    """

    motion: Motion
    first: int
    rate: float

    @classmethod
    def read(cls, scene: bpy.types.Scene, armature: bpy.types.Object) -> "ActionMotion":
        """Raises PlacidError where the action or the pose cannot be read; see `read_motion`."""
        frames = played_frames(armature)
        fps = FEWER if frames[1] - frames[0] >= MOST_FRAMES else None
        # Where the object's parent carries it, it will carry the new take.
        motion = read_motion(scene, armature, frames, fps, space="parent")
        scene_fps = scene.render.fps / scene.render.fps_base
        return cls(motion, frames[0], scene_fps / motion.fps)

    def frame(self, at: int) -> int:
        """The frame of the scene for one of the motion."""
        return round(self.first + at * self.rate)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The motion's frames [start, end) for frames of the scene, both ends included."""
        start = max(0, round((first - self.first) / self.rate))
        end = min(len(self.motion), round((last - self.first) / self.rate) + 1)
        return start, max(end, start + 1)


def unready(context: bpy.types.Context) -> str:
    """Why nobody's action can be looked at now; empty when it can."""
    armature = characters.target(context)
    if armature is None:
        return "Select a character first"
    if armature.animation_data is None or armature.animation_data.action is None:
        return "The character plays no action; choose one in the Action Editor"
    return busy() or characters.problem(context)
