"""Long work in steps, for a caller that must not be held up: Blender's main thread.

A thread would not do: what computes in Python holds the interpreter for 5 ms at a time, each time
the main thread wants it back.
"""

import time
from collections.abc import Generator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Yields after each piece of work of less than a millisecond, with WAIT when nothing can be done
# before something else has happened; returns what was made.
Steps = Generator[bool | None, None, T]
WAIT: Final = True


def finish(steps: Steps[T]) -> T:
    """Do all of the work at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class Work(Generic[T]):
    """Work that is done piece by piece.

    Attributes:
        done: whether it is complete.
        result: what was made; there once it is done.
    """

    result: T

    def __init__(self, steps: Steps[T]) -> None:
        self.done = False
        self._steps = steps

    def advance(self, seconds: float) -> bool:
        """Go on for so long; returns whether it is done. Raises what the work raises."""
        until = time.monotonic() + seconds
        try:
            while not self.done and next(self._steps) is not WAIT and time.monotonic() < until:
                pass
        except StopIteration as end:
            self.result, self.done = end.value, True
        return self.done
