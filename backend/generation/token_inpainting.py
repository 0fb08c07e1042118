"""Seams between motions in token space: which tokens to make anew, and what they may see."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

import numpy as np

from backend.engines.protocol import Array
from backend.generation.redraws import Redraw
from backend.generation.token_sampler import (
    ReportProgress,
    Sampler,
    SampleSpec,
)
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_TOKENS

# So many tokens on each side of a seam are made anew: 0.8 seconds in all.
SEAM: Final = 2
_REACH: Final = MAX_TOKENS // 2
# What the decoder sees to each side of a frame is less than so many tokens.
_DECODER_REACH: Final = 32


@dataclass(frozen=True)
class Window:
    """Tokens round a seam: their positions (w) in the whole, and which are made anew (w, bool)."""

    positions: Array
    editable: Array


def window_round(seam: int, total: int, cyclic: bool = False, most: int = SEAM) -> Window:
    """The tokens round the border before token `seam` of `total`.

    In a `cyclic` whole, the token behind the last is the first. At most so many tokens on each side
    are made anew.
    """
    if cyclic:
        reach = min(_REACH, total // 2)
        positions = np.arange(seam - reach, seam - reach + min(total, 2 * reach))
    else:
        positions = np.arange(max(0, seam - _REACH), min(total, seam + _REACH))
    width = min(most, max(1, total // 3))
    editable = (positions >= seam - width) & (positions < seam + width)
    return Window(positions % total, editable)


@dataclass(frozen=True)
class Seam:
    """A border that is to be mended.

    Attributes:
        whole: which of the motions it lies in.
        token: the token behind it.
        text: vector of the prompt that rules there.
        seed: of its random numbers.
        width: tokens on each side of it that are made anew.
        prompt: what `text` says.
        journal: see `SampleSpec`; frames in it are those of the whole.
    """

    whole: int
    token: int
    text: Array
    seed: int
    width: int = SEAM
    prompt: str = ""
    journal: list[Redraw] = field(default_factory=list, compare=False)


def inpaint(
    wholes: Sequence[Array],
    seams: Sequence[Seam],
    sampler: Sampler,
    progress: ReportProgress,
    cyclic: bool = False,
) -> list[Array]:
    """Token ids (n, Q) with the tokens round the seams made anew; all others stay as they are.

    Args:
        cyclic: whether the motions are loops.
    """
    windows = [
        window_round(seam.token, len(wholes[seam.whole]), cyclic, seam.width) for seam in seams
    ]
    specs = [
        SampleSpec(
            seam.text,
            seam.seed,
            ids=wholes[seam.whole][window.positions],
            editable=window.editable,
            prompt=seam.prompt,
        )
        for seam, window in zip(seams, windows, strict=True)
    ]
    mended = [ids.copy() for ids in wholes]
    made = sampler.sample(specs, progress)
    for seam, window, spec, row in zip(seams, windows, specs, made, strict=True):
        mended[seam.whole][window.positions[window.editable]] = row[window.editable]
        start = int(window.positions[0]) * FRAMES_PER_TOKEN
        seam.journal.extend(redraw.moved(start) for redraw in spec.journal)
    return mended


def segment_lengths(seconds: Sequence[float], fps: float) -> list[int]:
    """Tokens of each part, so that the borders between parts lie as near as can be."""
    ends = [round(end * fps / FRAMES_PER_TOKEN) for end in accumulate(seconds)]
    return [
        min(max(end - start, 1), MAX_TOKENS) for start, end in zip([0, *ends], ends, strict=False)
    ]


def seam_width(seconds: float | None, before: int, after: int, fps: float) -> int:
    """Tokens on each side of a border that are made anew in so many seconds; SEAM for None.

    Of parts of `before` and `after` tokens, at most half is made anew.
    """
    if seconds is None:
        return SEAM
    return min(round(seconds * fps / FRAMES_PER_TOKEN / 2), max(1, before // 2), max(1, after // 2))


def pad_cyclic(ids: Array) -> tuple[Array, int]:
    """Ids of a loop with what comes before and after the round, and the tokens before it."""
    positions = np.arange(-_DECODER_REACH, len(ids) + _DECODER_REACH)
    return ids[positions % len(ids)], _DECODER_REACH
