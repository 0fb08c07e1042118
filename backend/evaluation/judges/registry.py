"""What a judge answers, and the register of all judges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from backend.motion.lengths import FPS
from shared.errors import PlacidError
from shared.motion.skeleton import JOINT_COUNT
from shared.registry import Registry

Tier = Literal["none", "softened", "clear"]
# In this order the tier of a motion is the greatest of those of its findings.
TIERS: Final[tuple[Tier, ...]] = ("none", "softened", "clear")


@dataclass(frozen=True)
class Finding:
    """A strike that a judge sees.

    Attributes:
        kind: in the judge's own words, such as `kick`.
        tier: `clear`, or `softened` for a low, slow or merely hinted one.
        start, end: frames [start, end).
        score: how sure the judge is, on its own scale; higher is surer.
    """

    kind: str
    tier: Tier
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Verdict:
    """What a judge says of one motion.

    Attributes:
        findings: in order of time; none for a motion without a strike.
        score: of the motion, on the judge's own scale, also below what counts as a strike.
        nearest: real motions that the judge was reminded of most, nearest first, where it has any.
    """

    findings: tuple[Finding, ...]
    score: float
    nearest: tuple[str, ...] = ()

    @property
    def tier(self) -> Tier:
        """The greatest tier of the findings."""
        return max((finding.tier for finding in self.findings), key=TIERS.index, default="none")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds found, without repetition, in order of time."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings))

    def at_least(self, tier: Tier) -> bool:
        """Whether the motion's tier is this one or a greater one."""
        return TIERS.index(self.tier) >= TIERS.index(tier)


_Look = Callable[[np.ndarray], Verdict]


@dataclass(frozen=True)
class Judge:
    """A registered judge.

    Attributes:
        name: what users type.
        summary: one line for lists.
        version: names everything that its answers depend on, such as a hash of its weights.
    """

    name: str
    summary: str
    version: Callable[[], str]
    _look: _Look

    def __call__(self, joints: np.ndarray) -> Verdict:
        """Judge joints (T, 22, 3), metres, Y up, 20 frames a second.

        Raises:
            PlacidError: `bad_motion` for joints of another shape, or that are not numbers.
        """
        if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3) or len(joints) < 2:
            raise PlacidError(
                "bad_motion",
                f"the judge {self.name} needs joints (at least 2 frames, {JOINT_COUNT}, 3) at "
                f"{FPS:g} frames a second, not {joints.shape}",
            )
        if not np.isfinite(joints).all():
            frame = int(np.argmin(np.isfinite(joints).all(axis=(1, 2))))
            raise PlacidError(
                "bad_motion",
                f"frame {frame} holds a joint that is not a number; cut the motion before it",
            )
        return self._look(joints)


JUDGES: Final[Registry[Judge]] = Registry("judge", "backend.evaluation.judges")


def register_judge(name: str, summary: str, version: Callable[[], str]) -> Callable[[_Look], _Look]:
    """Decorate a function `(joints (T, 22, 3)) -> Verdict`; see `Judge`."""

    def add(look: _Look) -> _Look:
        JUDGES.register(name, Judge(name, summary, version, look))
        return look

    return add


def find_judge(name: str) -> Judge:
    """The judge of that name. Raises PlacidError `unknown_judge`, with the nearest name."""
    return JUDGES.find(name)
