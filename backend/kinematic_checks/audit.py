"""What the checks say of a motion, as it travels with it."""

from backend.kinematic_checks.detect import strikes
from shared import VERSION
from shared.motion.audit import Audit, FoundStrike
from shared.motion.motion import Motion


def audit_motion(motion: Motion) -> Audit:
    """The kicks, punches, bouts and swings that the kinematic checks find in a motion."""
    found = strikes(motion.with_up("Y").joints, motion.fps)
    told = tuple(FoundStrike(s.kind, s.side, s.start, s.end, s.peak) for s in found)
    return Audit(told, f"Placid {VERSION}")
