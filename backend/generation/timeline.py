"""One motion from several prompts, and motions that loop: seams made anew in token space.

Features are relative to where the body stands and faces, and the decoder sees across a seam, so
position, facing and speed go on there.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from backend.engines.protocol import Array
from backend.generation.context import GenerationContext, subprogress
from backend.generation.token_inpainting import Seam, inpaint, seam_width, segment_lengths
from backend.generation.token_sampler import ReportProgress, SampleSpec, derived_seed
from shared.protocol.requests import Timeline

_SEGMENTS, _SEAMS, _LOOP = range(3)  # kinds of seeds
_SEGMENTS_SHARE = 0.7


def make_timeline(
    request: Timeline, seeds: Sequence[int], context: GenerationContext, fps: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Joints (T, 22, 3) and contacts (T, 4) for each seed, one after the other."""
    lengths = segment_lengths([segment.seconds for segment in request.segments], fps)
    widths = [
        seam_width(segment.seam, before, after, fps)
        for segment, (before, after) in zip(request.segments[1:], pairwise(lengths), strict=True)
    ]
    texts = context.encode([segment.prompt for segment in request.segments])
    for number, seed in enumerate(seeds):
        progress = subprogress(context.progress, number / len(seeds), 1 / len(seeds))
        specs = [
            SampleSpec(text, derived_seed(seed, _SEGMENTS, index), length)
            for index, (text, length) in enumerate(zip(texts, lengths, strict=True))
        ]
        first = subprogress(progress, 0.0, _SEGMENTS_SHARE)
        whole = np.concatenate(list(context.sampler.sample(specs, first)))
        seams = [
            Seam(0, token, text, derived_seed(seed, _SEAMS, index), width)
            for index, (token, text, width) in enumerate(
                zip(accumulate(lengths[:-1]), texts[1:], widths, strict=True)
            )
            if width
        ]
        rest = 1 - _SEGMENTS_SHARE if request.loop == "off" else (1 - _SEGMENTS_SHARE) / 2
        [whole] = inpaint(
            [whole], seams, context.sampler, subprogress(progress, _SEGMENTS_SHARE, rest)
        )
        if request.loop == "off":
            yield context.codec.decode(whole)
        else:
            last = subprogress(progress, 1 - rest, rest)
            [whole] = close_tokens([whole], [texts[0]], [seed], context, last)
            yield context.codec.loop(whole, request.loop == "in_place")


def close_tokens(
    wholes: Sequence[Array],
    texts: Sequence[Array],
    seeds: Sequence[int],
    context: GenerationContext,
    progress: ReportProgress,
) -> list[Array]:
    """Token ids (n, Q) whose last token leads over to the first."""
    seams = [
        Seam(number, 0, text, derived_seed(seed, _LOOP))
        for number, (text, seed) in enumerate(zip(texts, seeds, strict=True))
    ]
    return inpaint(wholes, seams, context.sampler, progress, cyclic=True)
