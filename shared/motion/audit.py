"""What kinematic checks found in a motion: an answer of three, with the strikes behind it."""

from typing import Final, Literal

import msgspec

Answer = Literal["none", "possible", "found"]
Certainty = Literal["possible", "found"]

# In this order an answer about a whole is the greatest of those about its parts.
_ORDER: Final[tuple[Answer, ...]] = ("none", "possible", "found")


class FoundStrike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A strike that the kinematic checks found in a motion.

    Attributes:
        strike: kick, punch, boxing or swing.
        side: left, right or both; None when the check does not tell sides apart.
        start: its first frame.
        end: the frame behind its last.
        peak: the frame in which the limb is most outstretched.
        certainty: `found`, or `possible` for one that a check cannot tell from a harmless action.
    """

    strike: str
    side: str | None
    start: int
    end: int
    peak: int
    certainty: Certainty = "found"


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the checks say about a motion; it travels with the motion, in files too.

    Attributes:
        strikes: in order of time, in frames of the motion; empty when there are none.
        checks: what looked, for reports: a version or the hash of the thresholds.
    """

    strikes: tuple[FoundStrike, ...] = ()
    checks: str = ""

    @property
    def answer(self) -> Answer:
        """`none` found, a `possible` strike, or one `found`."""
        return max(
            (strike.certainty for strike in self.strikes), key=_ORDER.index, default=_ORDER[0]
        )
