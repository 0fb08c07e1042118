"""The strikes that the backend's checks found in a take: kept in the take, told in its frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import msgspec

from ..shared.protocol.messages import FoundStrike


@dataclass(frozen=True)
class Strike:
    """One strike in frames of the scene, both ends included."""

    what: str
    first: int
    last: int

    @property
    def sentence(self) -> str:
        return f"{self.what}: frames {self.first} to {self.last}"


class _Audit(msgspec.Struct):
    """What a take keeps."""

    fps: float
    strikes: tuple[FoundStrike, ...]


def keep(take, strikes: Sequence[FoundStrike], fps: float) -> None:
    """Note the strikes found in a take of `fps` frames a second."""
    take.audit = msgspec.json.encode(_Audit(fps, tuple(strikes))).decode()


def count(take) -> int | None:
    """How many strikes were found; None when nobody looked."""
    return len(_audit_of(take).strikes) if take.audit else None


def strikes(scene: bpy.types.Scene, take) -> list[Strike]:
    """The strikes found, where the take's action has them."""
    audit = _audit_of(take)
    rate = scene.render.fps / scene.render.fps_base / audit.fps
    start = take.action.frame_range[0] if take.action is not None else scene.frame_start
    return [
        Strike(
            " ".join(filter(None, (strike.side, strike.strike))).capitalize(),
            round(start + strike.start * rate),
            round(start + (strike.end - 1) * rate),
        )
        for strike in audit.strikes
    ]


def _audit_of(take) -> _Audit:
    return msgspec.json.decode(take.audit or '{"fps": 1, "strikes": []}', type=_Audit)
