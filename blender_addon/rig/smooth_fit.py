"""Corrections over time that keep to what is wished and are smooth everywhere else."""

import numpy as np


def fit_smoothly(
    values: np.ndarray,
    value_weights: np.ndarray,
    steps: np.ndarray,
    step_weights: np.ndarray,
    reach: float,
) -> np.ndarray:
    """The smooth curve that is near the wished values, has the wished steps, and else tends to 0.

    It minimises the sum of `value_weights (x - values)^2`, `step_weights (dx - steps)^2`, x^2 and
    `reach^4 (d2x)^2`, so that a wish is felt over about `reach` frames around its own.

    Args:
        values: (T, n), wished in each frame.
        value_weights: (T,), 0 for no wish.
        steps: (T - 1, n), wished from each frame to the next.
        step_weights: (T - 1,), 0 for no wish.
        reach: frames.

    Returns:
        (T, n).
    """
    count = len(values)
    diagonal = 1.0 + value_weights
    diagonal[1:] += step_weights
    diagonal[:-1] += step_weights
    beside, beyond = np.zeros(count), np.zeros(count)  # [t] couples t with t + 1 and with t + 2
    beside[:-1] -= step_weights
    bend = reach**4
    for first, share in enumerate((1.0, 4.0, 1.0)):
        diagonal[first : first + count - 2] += share * bend
    beside[: count - 2] -= 2.0 * bend
    beside[1 : count - 1] -= 2.0 * bend
    beyond[: count - 2] += bend
    wished = value_weights[:, None] * values
    pulled = step_weights[:, None] * steps
    wished[1:] += pulled
    wished[:-1] -= pulled
    return _solve(diagonal, beside, beyond, wished)


def _solve(
    diagonal: np.ndarray, beside: np.ndarray, beyond: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """The symmetric system of five diagonals, by L D L' without pivots; it is positive definite."""
    count = len(diagonal)
    pivots, near, far = [0.0] * count, [0.0] * count, [0.0] * count
    found = right.copy()
    for i, (middle, one, two) in enumerate(
        zip(diagonal.tolist(), beside.tolist(), beyond.tolist(), strict=True)
    ):
        pivot = middle
        if i >= 1:
            pivot -= pivots[i - 1] * near[i - 1] ** 2
            one -= pivots[i - 1] * near[i - 1] * far[i - 1]
            found[i] -= near[i - 1] * found[i - 1]
        if i >= 2:
            pivot -= pivots[i - 2] * far[i - 2] ** 2
            found[i] -= far[i - 2] * found[i - 2]
        pivots[i], near[i], far[i] = pivot, one / pivot, two / pivot
    found /= np.array(pivots)[:, None]
    for i in range(count - 2, -1, -1):
        found[i] -= near[i] * found[i + 1]
        if i + 2 < count:
            found[i] -= far[i] * found[i + 2]
    return found
