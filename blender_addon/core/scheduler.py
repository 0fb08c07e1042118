"""The extension's one timer: what has to be looked after from time to time asks for it here."""

import logging
import time
from collections.abc import Callable

import bpy

# Says in how many seconds it is due again; None when it need not be called any more.
Tick = Callable[[], float | None]

log = logging.getLogger(__name__)
_due: dict[Tick, float] = {}


def start(tick: Tick, seconds: float) -> None:
    """Have `tick` called in so many seconds, then as it says; one that waits already goes on."""
    if tick in _due:
        return
    _due[tick] = time.monotonic() + seconds
    # The timer may wait for something that is due later.
    if bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)
    bpy.app.timers.register(_on_timer, first_interval=_wait(), persistent=True)


def stop(tick: Tick) -> None:
    """Call `tick` no more."""
    _due.pop(tick, None)
    if not _due and bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)


def is_waiting(tick: Tick) -> bool:
    """Whether `tick` is going to be called."""
    return tick in _due


def _on_timer() -> float | None:
    for tick, due in list(_due.items()):
        if due > time.monotonic() or tick not in _due:
            continue
        try:
            again = tick()
        except Exception:  # it must not end what others wait for
            log.exception("a tick of Placid's timer failed and is not called again")
            again = None
        if again is None:
            _due.pop(tick, None)
        elif tick in _due:
            _due[tick] = time.monotonic() + again
    return _wait() if _due else None


def _wait() -> float:
    """Seconds until something is due."""
    return max(0.0, min(_due.values()) - time.monotonic())
