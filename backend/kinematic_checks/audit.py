"""What the checks say of a motion, as it travels with it."""

from typing import Final

from backend.kinematic_checks.detect import StrikeTier, strikes
from shared import VERSION
from shared.motion.audit import Audit, Certainty, FoundStrike
from shared.motion.motion import Motion

# A clear strike is one; a softened one may be something harmless that looks like it.
_CERTAINTY: Final[dict[StrikeTier, Certainty]] = {"clear": "found", "softened": "possible"}


def audit_motion(motion: Motion) -> Audit:
    """The kicks, punches, bouts and swings that the kinematic checks find in a motion."""
    found = strikes(motion.with_up("Y").joints, motion.fps)
    told = tuple(
        FoundStrike(s.kind, s.side, s.start, s.end, s.peak, _CERTAINTY[s.tier]) for s in found
    )
    return Audit(told, f"Placid {VERSION}")
