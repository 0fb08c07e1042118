"""What the backend's checks found in a take: kept in the take, told in the frames of the scene."""

from dataclasses import dataclass
from typing import Final

import bpy
import msgspec

from ..shared.decoding.errors import FileKind
from ..shared.decoding.text import decode_json
from ..shared.errors import PlacidError
from ..shared.motion.audit import Answer, Audit
from ..shared.motion.changes import Change
from ..shared.motion.motion import Motion
from . import sequence


@dataclass(frozen=True)
class Strike:
    """One strike in frames of the scene, both ends included."""

    what: str
    first: int
    last: int
    is_certain: bool

    @property
    def sentence(self) -> str:
        doubt = "" if self.is_certain else "possibly "
        return f"{doubt}{self.what}: frames {self.first} to {self.last}".capitalize()


class _KeptAudit(msgspec.Struct):
    """What a take keeps, as JSON in a property that scripts and other files may have changed."""

    fps: float
    audit: Audit


_OTHER: Final = {"left": "right", "right": "left"}
_KEPT: Final = FileKind(
    "an audit", "generate the take again", lambda text: PlacidError("damaged_take", text)
)


def keep(take, motion: Motion) -> None:
    """Note in a take what was found in its motion; a motion that nobody checked has no audit."""
    if motion.audit is None:
        take.audit = ""
    else:
        take.audit = msgspec.json.encode(_KeptAudit(motion.fps, motion.audit)).decode()


def count(take) -> int | None:
    """How many strikes were found; None when nobody looked, or what was noted is damaged."""
    kept = _kept_of(take)
    return None if kept is None else len(kept.audit.strikes)


def is_damaged(take) -> bool:
    """Whether somebody looked, but what was found cannot be read any more."""
    return bool(take.audit) and _kept_of(take) is None


def answer(take) -> Answer | None:
    """`none`, `possible` or `found`; None as of `count`."""
    kept = _kept_of(take)
    return None if kept is None else kept.audit.answer


def strikes(scene: bpy.types.Scene, take) -> list[Strike]:
    """The strikes found, where the take's action has them."""
    kept = _kept_of(take)
    if kept is None:
        return []
    rate = scene.render.fps / scene.render.fps_base
    start = scene.frame_start if take.action is None else sequence.first_frame(take)
    change = Change(take.mirrored, take.speed, take.cut_start)

    def frame(index: int) -> int:
        return round(start + change.played_at(index / kept.fps) * rate)

    told = [
        Strike(
            " ".join(filter(None, (_side(strike.side, take.mirrored), strike.strike))),
            frame(strike.start),
            frame(strike.end - 1),
            strike.certainty == "found",
        )
        for strike in kept.audit.strikes
    ]
    # What was cut off does not play.
    last = float("inf") if take.action is None else take.action.frame_range[1]
    end = start + last - (take.action.frame_range[0] if take.action else 0)
    return [strike for strike in told if strike.last >= start and strike.first <= end]


def _side(side: str | None, is_mirrored: bool) -> str | None:
    """The side as it plays."""
    return _OTHER.get(side, side) if is_mirrored else side


def _kept_of(take) -> _KeptAudit | None:
    if not take.audit:
        return None
    try:
        with _KEPT.reading(take.name):
            kept = decode_json(take.audit.encode(), _KeptAudit)
    except PlacidError:
        return None
    return kept if kept.fps > 0 else None
