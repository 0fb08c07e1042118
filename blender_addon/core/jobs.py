"""A generation on its way: what was asked for, how far it is, and how long it still takes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..shared.errors import PlacidError
from ..shared.protocol.messages import Progress, Request

STARTING = "starting"
CANCELLING = "cancelling"


@dataclass
class Job:
    """A generation on its way, or over.

    Attributes:
        request: what was asked for.
        scene, armature: where its takes go, by number: references die with every undo.
        place: scene frame that the first frame of its takes belongs to; None leaves that to the
            scene's settings.
        kept: scene frames whose poses its takes keep, each with the number of a library's pose or
            None.
        original: the action that is repaired, by number; 0 for none.
        fraction: progress, 0 to 1.
        stage: what is being done, for people; STARTING until the backend says more.
        seconds_left: how long it still takes; None while that cannot be told.
        takes: names of the takes that arrived.
        error: what ended it early.
        over: whether anything can still come.
        cancelling: whether it was given up.
        uid: by which its takes are known as made together.
    """

    request: Request
    scene: int
    armature: int
    place: int | None = None
    kept: Sequence[tuple[int, int | None]] = ()
    original: int = 0
    fraction: float = 0.0
    stage: str = STARTING
    seconds_left: float | None = None
    takes: list[str] = field(default_factory=list)
    error: PlacidError | None = None
    over: bool = False
    cancelling: bool = False
    uid: str = field(default_factory=lambda: uuid.uuid4().hex)

    def advance(self, progress: Progress) -> None:
        """Note the progress that the backend reports."""
        if not self.cancelling:
            self.fraction, self.stage = progress.fraction, progress.stage
            self.seconds_left = progress.seconds_left

    def cancel(self) -> None:
        """Note that it was given up; it is over when the backend says so."""
        self.cancelling, self.stage, self.seconds_left = True, CANCELLING, None

    def summary(self) -> str:
        """The progress in a few words, such as "Detail, take 2 of 4, 12 s left"."""
        words = [self.stage]
        count = self.request.takes
        if count > 1 and self.stage not in (STARTING, CANCELLING):
            words.append(f"take {min(len(self.takes) + 1, count)} of {count}")
        if self.seconds_left is not None:
            words.append(f"{max(1, round(self.seconds_left))} s left")
        return ", ".join(words).capitalize()
