"""What kinematic checks found in a motion: an answer of three, with the strikes behind it."""

from typing import Final, Literal

import msgspec

Answer = Literal["none", "possible", "found"]
Certainty = Literal["possible", "found"]

# Said wherever an answer is shown.
ANSWERS: Final[dict[Answer, str]] = {
    "none": "No strike was found",
    "possible": "A strike is possible: softened, or something that looks like one",
    "found": "A strike was found",
}
SIGHT: Final = (
    "The audit looks at the joints alone. It knows kicks, punches and boxing, also low and slow "
    "ones; it mostly misses swords, headbutts, elbows and stomps, and may take lively dance or "
    "ball games for a strike"
)

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
        certainty: `found` for a clear strike, `possible` for a softened one, which may be harmless.
    """

    strike: str
    side: str | None
    start: int
    end: int
    peak: int
    certainty: Certainty = "found"

    @property
    def what(self) -> str:
        """For people: "left kick", "possibly left kick"."""
        doubt = "possibly" if self.certainty == "possible" else ""
        return " ".join(filter(None, (doubt, self.side, self.strike)))


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the checks say about a motion; it travels with the motion, in files too.

    Attributes:
        strikes: in order of time, in frames of the motion; empty when there are none.
        checks: what looked, for reports: a version or the hash of the thresholds.
    """

    strikes: tuple[FoundStrike, ...] = ()
    checks: str = ""

    def sentence(self, fps: float) -> str:
        """The answer with every strike and when it is, for people and other programs.

        Args:
            fps: frames per second of the motion.
        """
        told = [
            f"{strike.what} at {strike.start / fps:.1f} to {strike.end / fps:.1f} s"
            for strike in self.strikes
        ]
        return ": ".join(filter(None, (ANSWERS[self.answer], ", ".join(told))))

    @property
    def answer(self) -> Answer:
        """`none` found, a `possible` strike, or one `found`."""
        return max(
            (strike.certainty for strike in self.strikes), key=_ORDER.index, default=_ORDER[0]
        )
