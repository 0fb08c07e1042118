"""One motion from several prompts, and motions that loop: seams made anew in token space.

Features are relative to where the body stands and faces, and the decoder sees across a seam, so
position, facing and speed go on there.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from backend.generation.context import Tools, part
from backend.generation.token_inpainting import Seam, mend, segment_lengths
from backend.generation.token_sampler import Draft, ReportProgress, derived_seed
from shared.protocol.requests import Timeline

_SEGMENTS, _SEAMS, _LOOP = range(3)  # kinds of seeds
_SEGMENTS_SHARE = 0.7


def make_timeline(
    request: Timeline, seeds: Sequence[int], tools: Tools, fps: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Joints (T, 22, 3) and contacts (T, 4) for each seed, one after the other."""
    lengths = segment_lengths([segment.seconds for segment in request.segments], fps)
    texts = tools.encode([segment.prompt for segment in request.segments])
    for number, seed in enumerate(seeds):
        progress = part(tools.progress, number / len(seeds), 1 / len(seeds))
        drafts = [
            Draft(text, derived_seed(seed, _SEGMENTS, index), length)
            for index, (text, length) in enumerate(zip(texts, lengths, strict=True))
        ]
        first = part(progress, 0.0, _SEGMENTS_SHARE)
        whole = torch.cat(list(tools.sampler.draw(drafts, first)))
        seams = [
            Seam(0, token, text, derived_seed(seed, _SEAMS, index))
            for index, (token, text) in enumerate(
                zip(accumulate(lengths[:-1]), texts[1:], strict=True)
            )
        ]
        rest = 1 - _SEGMENTS_SHARE if request.loop == "off" else (1 - _SEGMENTS_SHARE) / 2
        [whole] = mend([whole], seams, tools.sampler, part(progress, _SEGMENTS_SHARE, rest))
        if request.loop == "off":
            yield tools.codec.joints(whole)
        else:
            last = part(progress, 1 - rest, rest)
            [whole] = close_tokens([whole], [texts[0]], [seed], tools, last)
            yield tools.codec.loop(whole, request.loop == "in_place")


def close_tokens(
    wholes: Sequence[Tensor],
    texts: Sequence[Tensor],
    seeds: Sequence[int],
    tools: Tools,
    progress: ReportProgress,
) -> list[Tensor]:
    """Token ids (n, Q) whose last token leads over to the first."""
    seams = [
        Seam(number, 0, text, derived_seed(seed, _LOOP))
        for number, (text, seed) in enumerate(zip(texts, seeds, strict=True))
    ]
    return mend(wholes, seams, tools.sampler, progress, cyclic=True)
