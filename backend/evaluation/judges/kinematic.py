"""The kinematic checks as a judge: speeds, angles and reaches held against fitted thresholds."""

import hashlib

import msgspec
import numpy as np

from backend.evaluation.judges.registry import Finding, Verdict, register_judge
from backend.kinematic_checks.detect import strikes
from backend.kinematic_checks.thresholds import shipped_thresholds
from backend.motion.lengths import FPS

_SCORE = {"softened": 0.5, "clear": 1.0}


def _version() -> str:
    return hashlib.sha256(msgspec.json.encode(shipped_thresholds())).hexdigest()


@register_judge("checks", "the kinematic checks: speeds, angles and reaches of limbs", _version)
def checks(joints: np.ndarray) -> Verdict:
    """What the kinematic checks find; the score is 1 for a clear strike, 0.5 for a softened one."""
    findings = tuple(
        Finding(s.kind, s.tier, s.start, s.end, _SCORE[s.tier]) for s in strikes(joints, FPS)
    )
    return Verdict(findings, max((finding.score for finding in findings), default=0.0))
