"""Moving stick figures as SVG that stands in a page: no script, nothing loaded."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.evaluation.benchmark.pictures import STEP, Clip, Example
from backend.motion.lengths import FPS

LEFT, RIGHT, MIDDLE = "#c44e52", "#4c72b0", "#4c4c4c"
_LIMBS: Final = (RIGHT, LEFT, MIDDLE, RIGHT, LEFT)  # in the order of `skeleton.CHAINS`
# The view is from half left in front: right is this mixture of x and z.
_RIGHTWARD: Final = np.array([0.82, 0.0, -0.57])
_MARGIN: Final = 25  # centimetres
_SCALE: Final = 0.9  # pixels per centimetre
_HEAD: Final = 9


def moving(example: Example, chains: Sequence[Sequence[int]]) -> list[tuple[Clip, str]]:
    """The clips of an example with their drawings, all of one scale, one view and one time.

    A shorter clip holds its last pose until the longest has ended.
    """
    flat = [_projected(clip) for clip in example.clips]
    both = np.concatenate([points.reshape(-1, 2) for points in flat])
    (left, low), (right, high) = both.min(axis=0) - _MARGIN, both.max(axis=0) + _MARGIN
    count = max(map(len, flat))
    seconds = count * STEP / FPS
    box = f"{left:.0f} {-high:.0f} {right - left:.0f} {high - min(low, -_MARGIN):.0f}"
    width = _SCALE * (right - left)
    drawings = []
    for clip, points in zip(example.clips, flat, strict=True):
        held = np.concatenate([points, np.repeat(points[-1:], count - len(points), axis=0)])
        parts = "".join(_limbs(held, chains, colour, seconds) for colour in (LEFT, RIGHT, MIDDLE))
        drawings.append(
            (
                clip,
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width:.0f}" '
                f'role="img"><line x1="{left:.0f}" x2="{right:.0f}" y1="0" y2="0" '
                f'stroke="#bbb"/>{parts}{_head(held, chains[2][-1], seconds)}</svg>',
            )
        )
    return drawings


def _projected(clip: Clip) -> np.ndarray:
    """Points (F, 22, 2): to the right and upwards, in centimetres."""
    joints = np.array(clip.frames, dtype=np.float64)
    return np.stack([joints @ _RIGHTWARD, joints[..., 1]], axis=-1).round()


def _limbs(points: np.ndarray, chains: Sequence[Sequence[int]], colour: str, seconds: float) -> str:
    own = [chain for chain, of in zip(chains, _LIMBS, strict=True) if of == colour]
    values = [
        "".join("M" + "L".join(f"{x:.0f} {-y:.0f}" for x, y in pose[list(c)]) for c in own)
        for pose in points
    ]
    return (
        f'<path fill="none" stroke="{colour}" stroke-width="4" stroke-linecap="round" '
        f'stroke-linejoin="round" d="{values[len(values) // 2]}">{_animate("d", values, seconds)}'
        "</path>"
    )


def _head(points: np.ndarray, joint: int, seconds: float) -> str:
    x, y = (
        [f"{value:.0f}" for value in axis] for axis in (points[:, joint, 0], -points[:, joint, 1])
    )
    middle = len(x) // 2
    return (
        f'<circle r="{_HEAD}" fill="{MIDDLE}" cx="{x[middle]}" cy="{y[middle]}">'
        f"{_animate('cx', x, seconds)}{_animate('cy', y, seconds)}</circle>"
    )


def _animate(attribute: str, values: Sequence[str], seconds: float) -> str:
    return (
        f'<animate attributeName="{attribute}" dur="{seconds:g}s" repeatCount="indefinite" '
        f'calcMode="discrete" values="{";".join(values)}"/>'
    )
