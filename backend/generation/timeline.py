"""One motion from several prompts, and motions that loop: seams made anew in token space.

Features are relative to where the body stands and faces, and the decoder sees across a seam, so
position, facing and speed go on there.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise

import numpy as np

from backend.generation.audit_guard import Watched
from backend.generation.context import GenerationContext, subprogress
from backend.generation.redraws import AnyRedraw
from backend.generation.token_inpainting import Seam, inpaint, seam_width, segment_lengths
from backend.generation.token_sampler import SampleSpec, derived_seed
from backend.motion.lengths import FRAMES_PER_TOKEN
from shared.protocol.requests import Timeline

_SEGMENTS, _SEAMS, LOOP = range(3)  # kinds of seeds
_SEGMENTS_SHARE = 0.7


def make_timeline(
    request: Timeline, seeds: Sequence[int], context: GenerationContext, fps: float
) -> Iterator[tuple[np.ndarray, np.ndarray, list[AnyRedraw]]]:
    """Joints (T, 22, 3), contacts (T, 4) and what was drawn anew, for one seed after the other."""
    lengths = segment_lengths([segment.seconds for segment in request.segments], fps)
    widths = [
        seam_width(segment.seam, before, after, fps)
        for segment, (before, after) in zip(request.segments[1:], pairwise(lengths), strict=True)
    ]
    prompts = [segment.prompt for segment in request.segments]
    texts = context.encode(prompts)
    starts = [0, *accumulate(lengths[:-1])]
    for number, seed in enumerate(seeds):
        progress = subprogress(context.progress, number / len(seeds), 1 / len(seeds))
        specs = [
            SampleSpec(
                text, derived_seed(seed, _SEGMENTS, index), length, prompt=prompt, is_part=True
            )
            for index, (text, length, prompt) in enumerate(
                zip(texts, lengths, prompts, strict=True)
            )
        ]
        first = subprogress(progress, 0.0, _SEGMENTS_SHARE)
        whole = np.concatenate(list(context.sampler.sample(specs, first)))
        journal = [
            redraw.moved(start * FRAMES_PER_TOKEN)
            for spec, start in zip(specs, starts, strict=True)
            for redraw in spec.journal
        ]
        seams = [
            Seam(0, token, text, derived_seed(seed, _SEAMS, index), width, prompt, journal)
            for index, (token, text, width, prompt) in enumerate(
                zip(starts[1:], texts[1:], widths, prompts[1:], strict=True)
            )
            if width
        ]
        rest = 1 - _SEGMENTS_SHARE if request.loop == "off" else (1 - _SEGMENTS_SHARE) / 2
        [whole] = inpaint(
            [whole], seams, context.sampler, subprogress(progress, _SEGMENTS_SHARE, rest)
        )
        # The prompt of each token; segments begin and end where their tokens do.
        ruling = np.repeat(texts, lengths, axis=0)
        if request.loop == "off":
            watched = Watched(whole, ruling, seed, request.prompt)
            made, redraws = context.shown(watched, context.codec.decode)
        else:
            last = subprogress(progress, 1 - rest, rest)
            end = Seam(0, 0, texts[0], derived_seed(seed, LOOP), prompt=prompts[0], journal=journal)
            [whole] = inpaint([whole], [end], context.sampler, last, cyclic=True)
            watched = Watched(whole, ruling, seed, request.prompt, is_loop=True)
            made, redraws = context.shown(
                watched, partial(context.codec.loop, in_place=request.loop == "in_place")
            )
        yield *made, [*journal, *redraws]
