"""Feet on steps, platforms and uneven floors: each standing foot as high as what is under it.

Positions are canonical (y up, the character's own floor at 0) in the rig's unit; T frames.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from ..shared.motion.filters import gaussian_filter1d
from ..shared.motion.limb_twist import smoothstep
from ..shared.motion.two_bone_ik import rise_early, stretch_drop
from .body import Body, place_foot

# From places (n, 3) from which to look down to the heights (n,) of what is there; the character's
# own floor where there is nothing.
Ground = Callable[[np.ndarray], np.ndarray]

_UP: Final = np.array([0.0, 1.0, 0.0])
_SIDES: Final = (("left", slice(0, 2)), ("right", slice(2, 4)))
# Shares of a leg: from how high above a foot's last ground one looks down, and how much room a foot
# in the air leaves above what it passes.
_LOOK: Final = 0.6
_CLEAR: Final = 0.03
# Over which hips follow the feet.
_HIPS_SECONDS: Final = 0.2


def stand_on(body: Body, contacts: np.ndarray, fps: float, ground: Ground) -> Body:
    """The body with its feet on the ground, and hips that rise and sink with them.

    Args:
        contacts: bool (T, 4), which of left ankle, left toes, right ankle, right toes stands.
    """
    leg = body.binding.leg_length
    rises = [
        _rises(points, rest, np.any(contacts[:, columns], axis=1), fps, leg, ground)
        for (points, rest), (_, columns) in zip(body.feet(), _SIDES, strict=True)
    ]
    hips = gaussian_filter1d(np.mean(rises, axis=0), _HIPS_SECONDS * fps, mode="nearest")
    raised = replace(body, hips=body.hips + hips[:, None] * _UP)
    positions, drop, moves = raised.positions(), np.zeros(len(hips)), []
    for rise, (side, _) in zip(rises, _SIDES, strict=True):
        moves.append((rise - hips)[:, None] * _UP)
        hip, ankle = (positions[:, body.binding.at[f"{side}_{j}"]] for j in ("hip", "ankle"))
        drop = np.maximum(drop, stretch_drop(hip, ankle, moves[-1], leg, fps))
    raised = replace(raised, hips=raised.hips - drop[:, None] * _UP)
    turned, positions = raised.turned.copy(), raised.positions()
    for move, (side, _) in zip(moves, _SIDES, strict=True):
        place_foot(raised, turned, positions, side, move + drop[:, None] * _UP)
    return replace(raised, turned=turned)


def _rises(
    points: np.ndarray,
    rest: np.ndarray,
    standing: np.ndarray,
    fps: float,
    leg: float,
    ground: Ground,
) -> np.ndarray:
    """How much higher (T,) a foot is than on the character's own floor.

    Args:
        points: (T, 2, 3), ankle and toes.
        rest: (2,), their heights at rest.
        standing: bool (T,).
    """
    count = len(points)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], standing, [False]]).astype(int)))
    spans = edges.reshape(-1, 2).tolist() or [[0, count]]
    found, known = np.zeros(count), np.zeros(count, bool)
    level = 0.0
    for start, end in spans:
        places = np.median(points[start:end], axis=0)
        level = float(_below(places, level + _LOOK * leg, ground).max())
        found[start:end], known[start:end] = level, True
    frames, sure = np.arange(count), np.flatnonzero(known)
    after = np.clip(np.searchsorted(sure, frames), 0, len(sure) - 1)
    before = np.clip(np.searchsorted(sure, frames, side="right") - 1, 0, len(sure) - 1)
    first, last = sure[before], sure[after]
    share = smoothstep((frames - first) / np.maximum(last - first, 1), 0.0, 1.0)
    rises = found[first] + share * (found[last] - found[first])
    # A foot in the air stays above the edges that it passes.
    top = np.maximum(found[first], found[last]) + _LOOK * leg
    passed = np.array(
        [_below(places, height, ground) for places, height in zip(points, top, strict=True)]
    )
    lowest = (passed + rest - points[..., 1]).max(axis=1) + _CLEAR * leg
    missing = np.where(known, 0.0, np.maximum(lowest - rises, 0.0))
    missing = np.where(passed.max(axis=1) > found[first].clip(max=found[last]), missing, 0.0)
    return rises + np.where(known, 0.0, rise_early(missing, fps))


def _below(places: np.ndarray, top: float, ground: Ground) -> np.ndarray:
    """Heights (n,) of the ground below places (n, 3), seen from the height `top`."""
    eyes = places.copy()
    eyes[:, 1] = top
    return ground(eyes)
