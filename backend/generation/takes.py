"""Takes of prompts: tokens drawn together, joints made one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from backend.engines.protocol import Array
from backend.generation.audit_guard import Watched
from backend.generation.context import GenerationContext, subprogress
from backend.generation.redraws import AnyRedraw
from backend.generation.timeline import LOOP
from backend.generation.token_inpainting import Seam, inpaint
from backend.generation.token_sampler import ReportProgress, SampleSpec, derived_seed
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_TOKENS
from shared.protocol.requests import Generate

# With loops, so many takes are closed together before the first of them is delivered.
_LOOPS_TOGETHER = 16
_OPEN_SHARE = 0.6


@dataclass(frozen=True)
class MadeTake:
    """Joints (T, 22, 3), metres, Y up, and contacts (T, 4) of one take of a request.

    `redraws` is what the guards drew anew in it.
    """

    request: int
    seed: int
    joints: np.ndarray
    contacts: np.ndarray
    redraws: list[AnyRedraw]


@dataclass(frozen=True)
class _Order:
    request: int
    seed: int
    spec: SampleSpec


def make_takes(
    requests: Sequence[tuple[int, Generate]], context: GenerationContext, fps: float
) -> Iterator[MadeTake]:
    """The takes of numbered requests that have all settings but prompt and seconds in common."""
    texts = context.encode([request.prompt for _, request in requests])
    orders = [
        _Order(
            number,
            seed,
            SampleSpec(text, seed, _tokens(request.seconds, fps), prompt=request.prompt),
        )
        for (number, request), text in zip(requests, texts, strict=True)
        for seed in range(request.seed, request.seed + request.takes)
    ]
    loop = requests[0][1].loop
    if loop == "off":
        drawn = context.sampler.sample([order.spec for order in orders], context.progress)
        for order, ids in zip(orders, drawn, strict=True):
            watched = Watched(ids, order.spec.text, order.seed, order.spec.prompt)
            made, redraws = context.shown(watched, context.codec.decode)
            yield MadeTake(order.request, order.seed, *made, [*order.spec.journal, *redraws])
        return
    for start in range(0, len(orders), _LOOPS_TOGETHER):
        some = orders[start : start + _LOOPS_TOGETHER]
        progress = subprogress(context.progress, start / len(orders), len(some) / len(orders))
        for order, ids in zip(some, _loops(some, context, progress), strict=True):
            watched = Watched(ids, order.spec.text, order.seed, order.spec.prompt, is_loop=True)
            made, redraws = context.shown(
                watched, partial(context.codec.loop, in_place=loop == "in_place")
            )
            yield MadeTake(order.request, order.seed, *made, [*order.spec.journal, *redraws])


def _loops(
    orders: Sequence[_Order], context: GenerationContext, progress: ReportProgress
) -> list[Array]:
    """Token ids (n, Q) of takes whose last token leads over to the first."""
    opened = list(
        context.sampler.sample(
            [order.spec for order in orders], subprogress(progress, 0.0, _OPEN_SHARE)
        )
    )
    seams = [
        Seam(
            number,
            0,
            order.spec.text,
            derived_seed(order.seed, LOOP),
            prompt=order.spec.prompt,
            journal=order.spec.journal,
        )
        for number, order in enumerate(orders)
    ]
    rest = subprogress(progress, _OPEN_SHARE, 1 - _OPEN_SHARE)
    return inpaint(opened, seams, context.sampler, rest, cyclic=True)


def _tokens(seconds: float | None, fps: float) -> int | None:
    if seconds is None:
        return None
    return min(max(round(seconds * fps / FRAMES_PER_TOKEN), 1), MAX_TOKENS)
