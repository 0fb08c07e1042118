"""Hinge planes of arms and legs: how a limb is turned about its own length.

Joint positions fix the direction of a bone but not its twist. A bent elbow or knee shows it (the
hinge axis is the normal of the bent limb); a straight limb shows nothing, so there the axis is
held and blended from the neighbouring frames and from a reference.
"""

import numpy as np

from .rotations import between, conjugate, normalise, rotate

_BENT = (np.sin(np.radians(8.0)), np.sin(np.radians(30.0)))
_FOOT_WEIGHT = 0.3
# Where a foot can point, seen from its shin: lifted or stretched (radians), and to the side.
_FOOT_LIFT = np.radians([-100.0, 45.0])
_FOOT_SIDE = np.sin(np.radians(60.0))
_REFERENCE_WEIGHT = 0.05
# Weight of one frame's change of twist; data weights are 1 for a clearly bent limb.
_STIFFNESS = 0.5


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, with zero slope at both ends."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def hinge_axes(
    upper: np.ndarray,
    lower: np.ndarray,
    rest_upper: np.ndarray,
    rest_axis: np.ndarray,
    foot: np.ndarray | None = None,
) -> np.ndarray:
    """Hinge axis of one limb in every frame, continuous in time.

    Args:
        upper: (T, 3) direction of the upper bone, seen from its parent.
        lower: (T, 3) direction of the lower bone, seen from the same parent.
        rest_upper: (3,) direction of the upper bone in the rest pose.
        rest_axis: (3,) hinge axis in the rest pose: upper x lower of the limb bent naturally.
        foot: (T, 3) direction of the foot for a leg; it tells the twist of a straight leg.

    Returns:
        (T, 3) unit vectors perpendicular to `upper`.
    """
    upper, lower = normalise(upper), normalise(lower)
    reference = rotate(between(rest_upper, upper), rest_axis)
    carried = _carry(reference[0], upper)
    side = np.cross(upper, carried)

    def on_circle(axis: np.ndarray) -> np.ndarray:
        z = (axis * carried).sum(-1) + 1j * (axis * side).sum(-1)
        return z / np.maximum(np.abs(z), 1e-9)

    z_reference = on_circle(reference)
    # The reference itself turns fast when the bone points opposite to its rest direction.
    reference_weight = _REFERENCE_WEIGHT * np.clip(
        (1.0 + (upper * rest_upper).sum(-1)) / 0.3, 1e-3, 1.0
    )
    hints = [(z_reference, reference_weight)]
    bend = np.cross(upper, lower)
    hints.append((on_circle(bend), smoothstep(np.linalg.norm(bend, axis=-1), *_BENT)))
    if foot is not None:
        across = -np.cross(lower, normalise(foot))
        clear = smoothstep(np.linalg.norm(across, axis=-1), 0.3, 0.7)
        hints.append((on_circle(across), _FOOT_WEIGHT * clear))

    weight = np.zeros(len(upper))
    pull = np.zeros(len(upper), dtype=complex)
    for z, w in hints:
        # No joint turns half round: a limb bent the wrong way by a hair says nothing.
        plausible = np.clip(0.5 + (z * z_reference.conj()).real, 0.0, 1.0)
        w = w * np.maximum(plausible, 1.0 - reference_weight / _REFERENCE_WEIGHT)
        weight += w
        pull += w * z
    smooth = _solve_chain(weight, pull)
    length = np.abs(smooth)
    smooth = np.where(length > 1e-6, smooth / np.maximum(length, 1e-6), 1.0)
    return smooth.real[:, None] * carried + smooth.imag[:, None] * side


def plausible_foot(direction: np.ndarray, shin: np.ndarray) -> np.ndarray:
    """Directions (T, 3) of a foot, less those that no ankle allows.

    Markers on feet get lost for moments. Such frames are led over from the frames around them.

    Args:
        direction: (T, 3) from ankle to toes.
        shin: (T, 4) how far the shin is turned from the T-pose.
    """
    seen = rotate(conjugate(shin), normalise(direction))
    lift = np.arctan2(seen[:, 1], seen[:, 2])
    possible = (np.abs(seen[:, 0]) < _FOOT_SIDE) & (lift > _FOOT_LIFT[0]) & (lift < _FOOT_LIFT[1])
    if possible.all() or not possible.any():
        return direction
    frames, known = np.arange(len(seen)), np.flatnonzero(possible)
    filled = [np.interp(frames, known, seen[known, axis]) for axis in range(3)]
    led = rotate(shin, normalise(np.stack(filled, axis=-1)))
    return np.where(possible[:, None], direction, led)


def _carry(first: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """`first` carried along changing directions without any twist (parallel transport)."""
    steps = between(directions[:-1], directions[1:])
    carried = np.empty_like(directions)
    carried[0] = first
    for t, step in enumerate(steps):
        carried[t + 1] = rotate(step, carried[t])
    # Rounding must not tilt the axis out of the plane.
    return normalise(carried - (carried * directions).sum(-1, keepdims=True) * directions)


def _solve_chain(weight: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Minimise sum w|z - z_hint|^2 + stiffness * sum |z[t+1] - z[t]|^2 (Thomas algorithm)."""
    n = len(weight)
    diagonal = weight + 1e-6
    if n > 1:
        diagonal = diagonal + _STIFFNESS * np.where(
            (np.arange(n) == 0) | (np.arange(n) == n - 1), 1.0, 2.0
        )
    upper = np.zeros(n)
    value = np.zeros(n, dtype=complex)
    upper[0], value[0] = -_STIFFNESS / diagonal[0], pull[0] / diagonal[0]
    for t in range(1, n):
        pivot = diagonal[t] + _STIFFNESS * upper[t - 1]
        upper[t] = -_STIFFNESS / pivot
        value[t] = (pull[t] + _STIFFNESS * value[t - 1]) / pivot
    for t in range(n - 2, -1, -1):
        value[t] -= upper[t] * value[t + 1]
    return value
