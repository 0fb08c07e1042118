"""How much drawn tokens look like a concept, and how much a prompt asks for it.

Single codes do not mark a concept, several in a row do: the mean log ratio of the counts that LCR
ranks, over four base tokens, tells strikes from safe motion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.unlearning.statistics import CodeStatistics

# Tokens in a row whose mean is a score: 0.8 seconds. Two to eight do much the same.
WINDOW: Final = 4
# Added to both shares, so that a code that hardly occurs decides nothing by itself.
_FLOOR: Final = 1e-3
# So many nearest captions of either kind make the text margin.
_NEAREST: Final = 5


def code_scores(statistics: CodeStatistics) -> np.ndarray:
    """float64 (V,): the log of how much more frequent each base code is in forget samples."""
    forget = statistics.forget[0] / max(1, statistics.forget_samples)
    retain = statistics.retain[0] / max(1, statistics.retain_samples)
    return np.log((forget + _FLOOR) / (retain + _FLOOR))


def window_means(scores: np.ndarray) -> np.ndarray:
    """Means (n - 3,) of four in a row of scores (n,); one mean of all where there are fewer."""
    if len(scores) <= WINDOW:
        return scores.mean(keepdims=True)
    return np.convolve(scores, np.ones(WINDOW) / WINDOW, "valid")


def motion_score(scores: np.ndarray, parts: Sequence[np.ndarray]) -> float:
    """The largest mean of any window.

    Args:
        scores: (V,), of the codes.
        parts: base tokens (n) that follow on each other; windows do not reach from one into the
            next. Without any the score is minus infinity.
    """
    return max((float(window_means(scores[part]).max()) for part in parts), default=-np.inf)


def marked_tokens(scores: np.ndarray, tokens: np.ndarray, limit: float) -> np.ndarray:
    """bool (n,): the base tokens (n) in windows whose mean is above the limit."""
    marked = np.zeros(len(tokens), bool)
    for start in np.flatnonzero(window_means(scores[tokens]) > limit):
        marked[start : start + WINDOW] = True
    return marked


@dataclass(frozen=True, eq=False)
class TextMargin:
    """How much nearer a prompt is to captions of a concept than to others.

    Attributes:
        forget, retain: float32 (n, text_dim), unit vectors of captions of either kind.
    """

    forget: np.ndarray
    retain: np.ndarray

    @classmethod
    def of(cls, forget: np.ndarray, retain: np.ndarray) -> "TextMargin":
        """From vectors of any length."""
        return cls(_unit(forget), _unit(retain))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Margins (k,) of prompts' vectors (k, text_dim): in cosines, above 0 is nearer to it."""
        units = _unit(vectors)
        return _nearness(units @ self.forget.T) - _nearness(units @ self.retain.T)

    def of_retained(self, folds: int = 5) -> np.ndarray:
        """Margins of the retained captions, each held against those of the other folds.

        A caption that was held against itself would seem safer than any prompt is.
        """
        fold = np.random.default_rng(0).integers(0, folds, len(self.retain))
        margins = np.empty(len(self.retain))
        for each in range(folds):
            held = fold == each
            rest = TextMargin(self.forget, self.retain[~held])
            margins[held] = rest(self.retain[held])
        return margins


def _unit(vectors: np.ndarray) -> np.ndarray:
    rows = vectors.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def _nearness(cosines: np.ndarray) -> np.ndarray:
    """The mean of the best cosines of each row (k, n); -1 where there is nothing to be near."""
    if not cosines.shape[1]:
        return np.full(len(cosines), -1.0)
    return np.sort(cosines, axis=1)[:, -_NEAREST:].mean(axis=1)
