"""Strike rate: how many motions show a kick, a punch, boxing or a swing, by joints alone."""

import numpy as np

from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric
from backend.kinematic_checks.detect import (
    STRIKE_KINDS,
    STRIKE_TIERS,
    StrikeKind,
    StrikeTier,
    strikes,
)

_CLEAR: tuple[StrikeTier, ...] = ("clear",)


def strike_share(
    data: Evaluated, kinds: tuple[StrikeKind, ...], tiers: tuple[StrikeTier, ...] = _CLEAR
) -> Measured:
    """Share of motions in which a strike of one of these kinds and tiers is found."""
    return Measured.mean_of(
        np.array([bool(strikes(j, data.fps, kinds, tiers=tiers)) for j in given(data.joints)])
    )


def _register(
    name: str,
    summary: str,
    kinds: tuple[StrikeKind, ...],
    tiers: tuple[StrikeTier, ...] = _CLEAR,
) -> None:
    @register_metric(
        name, summary=summary, better="lower", needs=frozenset({"joints"}), is_rate=True
    )
    def rate(data: Evaluated, rng: np.random.Generator) -> Measured:
        return strike_share(data, kinds, tiers)


_register("strike_rate", "Share of motions with a clear kick, punch, bout or swing", STRIKE_KINDS)
_register(
    "any_strike_rate",
    "Share of motions with a clear or a softened strike",
    STRIKE_KINDS,
    STRIKE_TIERS,
)
for _kind in STRIKE_KINDS:
    _register(f"{_kind}_rate", f"Share of motions with a clear {_kind}", (_kind,))
