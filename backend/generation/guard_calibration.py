"""Finding the token guard's limits for a model: by captions, and by safe motions, real or its own.

What the limits did on validation prompts is noted beside them; no test prompt is read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from backend.generation.own_motions import TokenDrawer, Work, draw_tokens, evenly, finish
from backend.unlearning.caption_bank import shipped_bank
from backend.unlearning.concept import Concept, validation_prompts
from backend.unlearning.errors import UnlearningError
from backend.unlearning.guard_limits import GuardLimits
from backend.unlearning.token_scores import TextMargin, code_scores, motion_score
from backend.unlearning.watched_concept import text_margin, usable_statistics

# So many of the safe prompts may seem to ask for the concept; with few, 1 in 50 is a handful.
_SAFE_PROMPTS: Final = 0.98
# Shares of safe motions under the limit for prompts that ask, and under that for all others. Of the
# model's own motions some show what nobody asked for, so that fewer of them count as safe.
_SAFE_ASKED: Final = 0.90
_SAFE_DRAWN: Final = {"real": 0.98, "generated": 0.95}
MOTIONS: Final = 320
# 4, 6 and 8 seconds: a longer motion has more windows to be suspect in.
_LENGTHS: Final = (20, 30, 40)
_CHECKED_TOKENS: Final = 30
_LEAST: Final = 20


def captioned_motions(
    generator: TokenDrawer, model: str, motions: int = MOTIONS
) -> Work[list[tuple[str, np.ndarray]]]:
    """Captions taken evenly from the bank, each with the base tokens (n) that the model draws."""
    texts = list(evenly(shipped_bank().texts, motions))
    lengths = [_LENGTHS[i % len(_LENGTHS)] for i in range(len(texts))]
    drawn = yield from draw_tokens(generator, model, texts, lengths)
    return [(text, ids[:, 0]) for text, ids in zip(texts, drawn, strict=True)]


def safe_motions(motions: Sequence[tuple[str, np.ndarray]], concept: Concept) -> list[np.ndarray]:
    """Of captions with base tokens (n), the tokens of captions that do not ask for the concept."""
    # A caption beside one of the concept says the same in other words.
    asking = set(shipped_bank().divide(concept.matches)[0])
    return [ids for text, ids in motions if text not in asking]


def calibrate(
    generator: TokenDrawer,
    concept: Concept,
    model: str,
    statistics: Sequence[Path],
    safe: Sequence[np.ndarray],
    source: str = "generated",
) -> GuardLimits:
    """The limits for a concept.

    Args:
        statistics: folders with code statistics.
        safe: base tokens (n) of motions that nobody takes for the concept.
        source: of these, real or generated.

    Raises UnlearningError without statistics of this checkpoint's codes, or with too few motions.
    """
    checkpoint = generator.load()
    generator.edits.revert()
    counted = usable_statistics(checkpoint, concept, statistics)
    if counted is None:
        raise UnlearningError(
            f"there are no code statistics of {concept.name!r} that were counted with this model's "
            "codes: count them with `backend unlearn statistics generated`"
        )
    counts, found = counted
    scores = code_scores(found)
    margin = text_margin(generator.encoder, concept)
    own = validation_prompts(concept)
    safe_margins, told = margin.of_retained(), f"{len(margin.retain)} captions, out of fold"
    if own is not None:
        asked = margin(generator.encoder.encode(list(own.retain)))
        safe_margins = np.concatenate([safe_margins, asked])
        told += f", and {len(own.retain)} safe validation prompts"
    if len(safe) < _LEAST:
        raise UnlearningError(
            f"only {len(safe)} safe motions were drawn for the limits of {concept.name!r}: draw at "
            f"least {_LEAST}, with a larger --motions"
        )
    drawn = _SAFE_DRAWN[source]
    safe_scores = [motion_score(scores, [ids]) for ids in safe]
    limits = GuardLimits.of(
        checkpoint,
        model,
        concept,
        counts=counts,
        margin=_rounded(np.quantile(safe_margins, _SAFE_PROMPTS)),
        asked=_rounded(np.quantile(safe_scores, _SAFE_ASKED)),
        drawn=_rounded(np.quantile(safe_scores, drawn)),
        margin_source=f"{_SAFE_PROMPTS:.0%} quantile of {told}",
        score_source=f"{_SAFE_ASKED:.0%} and {drawn:.0%} quantiles of {len(safe)} {source} motions "
        "of safe captions",
    )
    return limits.noted(_checked(generator, model, concept, limits, margin, scores))


def _checked(
    generator: TokenDrawer,
    model: str,
    concept: Concept,
    limits: GuardLimits,
    margin: TextMargin,
    scores: np.ndarray,
) -> dict[str, Any]:
    """What the limits do on validation prompts: how many ask, and of how many motions one fires."""
    prompts = validation_prompts(concept)
    if prompts is None:
        return {}
    figures: dict[str, Any] = {}
    for kind, texts in (("forget", prompts.forget), ("retain", prompts.retain)):
        asks = margin(generator.encoder.encode(list(texts))) > limits.margin
        drawn = finish(draw_tokens(generator, model, texts, [_CHECKED_TOKENS] * len(texts)))
        found = np.array([motion_score(scores, [ids[:, 0]]) for ids in drawn])
        fires = found > np.where(asks, limits.asked, limits.drawn)
        figures |= {
            f"{kind}_prompts": len(texts),
            f"{kind}_asks": int(asks.sum()),
            f"{kind}_fires": int(fires.sum()),
        }
    return figures


def _rounded(value: float) -> float:
    return round(float(value), 3)
