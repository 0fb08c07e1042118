"""The extension's one timer: what has to be looked after from time to time asks for it here."""

import logging
import time
from collections.abc import Callable

import bpy

# Says in how many seconds it is due again; None when it need not be called any more.
Tick = Callable[[], float | None]

log = logging.getLogger(__name__)


class Scheduler:
    """Ticks and when they are due, behind one of Blender's timers."""

    def __init__(self) -> None:
        self._due: dict[Tick, float] = {}
        # Blender knows a timer by the object that it calls; a bound method is a new one each time.
        self._timer = self.call_due

    def start(self, tick: Tick, seconds: float) -> None:
        """Have `tick` called in so many seconds, then as it says; one that waits goes on."""
        if tick in self._due:
            return
        self._due[tick] = time.monotonic() + seconds
        # The timer may wait for something that is due later.
        self._unregister()
        bpy.app.timers.register(self._timer, first_interval=self._wait(), persistent=True)

    def stop(self, tick: Tick) -> None:
        """Call `tick` no more."""
        self._due.pop(tick, None)
        if not self._due:
            self._unregister()

    def close(self) -> None:
        """Call nothing any more."""
        self._due.clear()
        self._unregister()

    def is_waiting(self, tick: Tick) -> bool:
        """Whether `tick` is going to be called."""
        return tick in self._due

    def call_due(self) -> float | None:
        """Call what is due; seconds until something is due again, None when nothing will be."""
        for tick, due in list(self._due.items()):
            if due > time.monotonic() or tick not in self._due:
                continue
            try:
                again = tick()
            except Exception:  # it must not end what others wait for
                log.exception("a tick of Placid's timer failed and is not called again")
                again = None
            if again is None:
                self._due.pop(tick, None)
            elif tick in self._due:
                self._due[tick] = time.monotonic() + again
        return self._wait() if self._due else None

    def _unregister(self) -> None:
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)

    def _wait(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(self._due.values()) - time.monotonic())
