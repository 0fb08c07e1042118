"""Two-bone inverse kinematics of an arm: exact bone lengths, an elbow on the asked side."""

from typing import Final

import numpy as np

from shared.motion.rotations import normalise

# An elbow bends up to about 145 degrees; a reaching arm hardly ever gets quite straight.
_LEAST_ANGLE: Final = np.radians(35.0)
_SOFT_FROM, _MOST = 0.93, 0.995


def solve_arm(
    shoulder: np.ndarray,
    wrist: np.ndarray,
    side: np.ndarray,
    lengths: tuple[np.ndarray, np.ndarray],
    authored: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Elbow and wrist (T, 3) of an arm that reaches for a place, as far as it can.

    Args:
        shoulder, wrist: where the arm hangs and where the hand is to be, (T, 3).
        side: where the elbow shall point, as seen from the line between them, (T, 3).
        lengths: of the upper arm and the forearm, (T,) each.
        authored: 0 where the arm is the recorded one, whose reach nobody limits, to 1; (T,).
    """
    upper, lower = lengths
    way = wrist - shoulder
    asked = np.linalg.norm(way, axis=-1)
    most = upper + lower
    distance = asked + (_reachable(asked, upper, lower) - asked) * authored
    distance = np.clip(distance, np.abs(upper - lower) + 1e-4, most * (1.0 - 1e-6))
    axis = way / np.maximum(asked, 1e-6)[:, None]
    along = (distance**2 + upper**2 - lower**2) / (2.0 * distance)
    out = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    pole = across(side, axis)
    elbow = shoulder + axis * along[:, None] + pole * out[:, None]
    return elbow, shoulder + axis * distance[:, None]


def across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Unit vectors (T, 3): the part of the vectors that is perpendicular to an axis (T, 3)."""
    axis = normalise(axis)
    return normalise(vectors - (vectors * axis).sum(-1, keepdims=True) * axis)


def _reachable(asked: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The asked distances, bent smoothly to what a bent or a straight elbow gives."""
    most, soft = _MOST * (upper + lower), _SOFT_FROM * (upper + lower)
    room = most - soft
    over = np.maximum(asked - soft, 0.0)
    bent = np.where(asked > soft, most - room * np.exp(-over / room), asked)
    least = np.sqrt(upper**2 + lower**2 - 2.0 * upper * lower * np.cos(_LEAST_ANGLE))
    room = 0.25 * least
    under = np.maximum(least + room - bent, 0.0)
    return np.where(bent < least + room, least + room * np.exp(-under / room), bent)
