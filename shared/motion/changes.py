"""A motion mirrored, cut at its ends and played at another speed: what needs no generating."""

from dataclasses import dataclass, replace

import numpy as np

from .motion import Motion, MotionError
from .skeleton import MIRROR

_LEAST_FRAMES = 2


@dataclass(frozen=True)
class Change:
    """What is done to a motion before it is put on a character.

    Attributes:
        mirror: left and right change places.
        speed: how many times as fast it plays.
        cut_start, cut_end: seconds that are left out, of the motion as it was made.
    """

    mirror: bool = False
    speed: float = 1.0
    cut_start: float = 0.0
    cut_end: float = 0.0

    def apply(self, motion: Motion) -> Motion:
        """The changed motion, which begins where the whole one did.

        Raises:
            MotionError: when the cuts leave nothing.
        """
        if self == Change():
            return motion
        first, last = self.frames(motion)
        joints, contacts = motion.with_up("Y").joints[first:last], motion.contacts
        joints = joints - (joints[:1, :1] - motion.with_up("Y").joints[:1, :1]) * [1.0, 0.0, 1.0]
        contacts = None if contacts is None else contacts[first:last]
        if self.mirror:
            joints = joints[:, list(MIRROR)] * [-1.0, 1.0, 1.0]
            contacts = None if contacts is None else contacts[:, [2, 3, 0, 1]]
        changed = replace(
            motion,
            joints=joints.astype(np.float32),
            up="Y",
            contacts=contacts,
            fps=motion.fps * self.speed,
        )
        return changed.with_up(motion.up)

    def frames(self, motion: Motion) -> tuple[int, int]:
        """The frames [first, last) that stay. Raises MotionError when these are too few."""
        first = round(self.cut_start * motion.fps)
        last = len(motion) - round(self.cut_end * motion.fps)
        if last - first < _LEAST_FRAMES:
            raise MotionError(
                f"cutting {self.cut_start:g} s and {self.cut_end:g} s leaves nothing of "
                f"{motion.seconds:.1f} s; cut less"
            )
        return first, last

    def played_at(self, seconds: float) -> float:
        """When the changed motion shows what the whole one shows at a time; both in seconds."""
        return (seconds - self.cut_start) / self.speed
