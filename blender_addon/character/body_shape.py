"""The shape of Placid's own character: a neutral human as a union of lofted limbs.

Coordinates are Blender's: metres, Z up, the body faces -Y, its left side is +X.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BLEND = 0.03  # radius over which neighbouring limbs flow into each other
REACH = 0.07  # farther away the field is not evaluated, and has this value

Joints = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Loft:
    """A tube with elliptical sections and rounded ends.

    Attributes:
        start, end: its axis.
        across: direction of the first section radius (made perpendicular to the axis).
        stations: (N, 4) rows of position along the axis (0 to 1), radius along `across`, radius
            at right angles to it, and shift of the centre at right angles to `across`.
    """

    start: np.ndarray
    end: np.ndarray
    across: np.ndarray
    stations: np.ndarray

    def bounds(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Corners of a box that holds everything nearer than `margin`."""
        reach = self.stations[:, 1:3].max() + np.abs(self.stations[:, 3]).max() + margin
        ends = np.stack([self.start, self.end])
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach

    def field(self, points: np.ndarray) -> np.ndarray:
        """Approximate signed distance, negative inside: (N, 3) -> (N,)."""
        axis = self.end - self.start
        length = np.linalg.norm(axis)
        axis = axis / length
        across = self.across - axis * (self.across @ axis)
        across = across / np.linalg.norm(across)
        depth = np.cross(axis, across)
        offset = points - self.start
        along = offset @ axis
        position = np.clip(along / length, 0.0, 1.0)
        radii = [
            _smooth_interp(position, self.stations[:, 0], column)
            for column in self.stations[:, 1:].T
        ]
        narrow = np.minimum(radii[0], radii[1])
        u = offset @ across / radii[0]
        v = (offset @ depth - radii[2]) / radii[1]
        beyond = (along - position * length) / narrow
        return (np.sqrt(u * u + v * v + beyond * beyond) - 1.0) * narrow


def _smooth_interp(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise interpolation with eased steps, so that lofts have no visible rings."""
    index = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
    part = (x - xs[index]) / (xs[index + 1] - xs[index])
    slopes = np.gradient(ys, xs)
    step = xs[index + 1] - xs[index]
    square, cube = part * part, part * part * part
    return (
        (2 * cube - 3 * square + 1) * ys[index]
        + (cube - 2 * square + part) * step * slopes[index]
        + (-2 * cube + 3 * square) * ys[index + 1]
        + (cube - square) * step * slopes[index + 1]
    )


def _loft(start, end, across, *stations) -> Loft:
    rows = [(*row, 0.0) if len(row) == 3 else row for row in stations]
    return Loft(
        np.asarray(start, float),
        np.asarray(end, float),
        np.asarray(across, float),
        np.array(rows, dtype=float),
    )


def body_lofts(joints: Joints) -> list[Loft]:
    """The left half (and middle) of the body around the given rest joints."""
    return [*_trunk(joints), *_arm(joints), *_leg(joints)]


def _trunk(joints: Joints) -> list[Loft]:
    x, back, up = np.eye(3)
    pelvis, neck, head = joints["pelvis"], joints["neck"], joints["head"]
    hip, shoulder = joints["left_hip"], joints["left_shoulder"]
    top = np.array([0.0, neck[1], shoulder[2] + 0.03])
    bottom = np.array([0.0, pelvis[1], hip[2] - 0.005])
    wide, hips = shoulder[0], hip[0]
    skull = head + 0.085 * up - 0.012 * back
    return [
        # The last column shifts a section along +Y: negative is towards the belly.
        _loft(
            bottom,
            top,
            x,
            (0.00, hips + 0.030, 0.080, 0.012),
            (0.14, hips + 0.064, 0.100, 0.010),
            (0.30, hips + 0.060, 0.096, 0.002),
            (0.48, hips + 0.052, 0.088, -0.004),
            (0.66, wide * 0.82, 0.100, -0.006),
            (0.82, wide * 0.90, 0.104, -0.004),
            (0.94, wide * 0.80, 0.082, 0.002),
            (1.00, wide * 0.60, 0.060, 0.006),
        ),
        _loft(
            top - 0.03 * up,
            head + 0.05 * up,
            x,
            (0, 0.064, 0.062),
            (0.5, 0.054, 0.056),
            (1, 0.056, 0.058),
        ),
        _loft(skull - 0.02 * up, skull + 0.025 * up, x, (0, 0.074, 0.090), (1, 0.076, 0.093)),
        _loft(
            skull - 0.090 * up - 0.050 * back,
            skull - 0.03 * up - 0.02 * back,
            x,
            (0, 0.034, 0.030),
            (0.5, 0.054, 0.050),
            (1, 0.064, 0.062),
        ),
        _loft(
            skull - 0.040 * up - 0.094 * back,
            skull - 0.005 * up - 0.082 * back,
            x,
            (0, 0.012, 0.011),
            (1, 0.008, 0.008),
        ),
    ]


def _arm(joints: Joints) -> list[Loft]:
    _, back, up = np.eye(3)
    neck, shoulder = joints["neck"], joints["left_shoulder"]
    elbow, wrist = joints["left_elbow"], joints["left_wrist"]
    out = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    base = np.array([0.03, neck[1], shoulder[2] + 0.055])
    knuckles = wrist + 0.085 * out
    return [
        _loft(
            base,
            shoulder + 0.012 * up,
            up,
            (0, 0.040, 0.046),
            (0.5, 0.040, 0.052),
            (1, 0.050, 0.058),
        ),
        _loft(
            shoulder,
            elbow,
            up,
            (0, 0.058, 0.060),
            (0.2, 0.054, 0.057),
            (0.5, 0.045, 0.050),
            (0.8, 0.039, 0.042),
            (1, 0.038, 0.040),
        ),
        _loft(
            elbow,
            wrist,
            up,
            (0, 0.038, 0.040),
            (0.25, 0.041, 0.045),
            (0.6, 0.033, 0.037),
            (0.9, 0.023, 0.029),
            (1, 0.022, 0.029),
        ),
        _loft(wrist, knuckles, up, (0, 0.020, 0.029), (0.5, 0.018, 0.039), (1, 0.016, 0.042)),
        _loft(
            knuckles,
            knuckles + 0.075 * out - 0.012 * up,
            up,
            (0, 0.016, 0.042),
            (0.6, 0.013, 0.036),
            (1, 0.009, 0.024),
        ),
        _loft(
            wrist + 0.03 * out - 0.02 * back,
            wrist + 0.085 * out - 0.062 * back - 0.008 * up,
            up,
            (0, 0.018, 0.016),
            (1, 0.011, 0.011),
        ),
    ]


def _leg(joints: Joints) -> list[Loft]:
    x, _, up = np.eye(3)
    hip, knee = joints["left_hip"], joints["left_knee"]
    ankle, ball = joints["left_ankle"], joints["left_foot"]
    ahead = (ball - ankle) * (1, 1, 0)
    ahead = ahead / np.linalg.norm(ahead)
    side = np.cross(up, -ahead)
    heel = np.array([ankle[0], ankle[1], 0.034]) - 0.035 * ahead
    sole = np.array([ball[0], ball[1], 0.026])
    return [
        _loft(
            hip + 0.002 * x,
            knee,
            x,
            (0, 0.074, 0.086),
            (0.2, 0.078, 0.088),
            (0.5, 0.069, 0.076),
            (0.8, 0.054, 0.060),
            (1, 0.048, 0.053),
        ),
        _loft(
            knee,
            ankle,
            x,
            (0, 0.049, 0.052),
            (0.25, 0.052, 0.058, 0.012),
            (0.55, 0.043, 0.046, 0.010),
            (0.85, 0.031, 0.035, 0.004),
            (1, 0.031, 0.036),
        ),
        _loft(heel, ankle, side, (0, 0.031, 0.036), (1, 0.032, 0.036)),
        _loft(
            heel,
            sole,
            side,
            (0, 0.031, 0.034),
            (0.4, 0.034, 0.038),
            (0.75, 0.042, 0.030),
            (1, 0.045, 0.026),
        ),
        _loft(
            sole,
            sole + 0.055 * ahead - 0.004 * up,
            side,
            (0, 0.045, 0.026),
            (0.6, 0.042, 0.021),
            (1, 0.030, 0.016),
        ),
        # Buttock, so that the seat has a shape from the side.
        _loft(
            hip + np.array([-0.012, 0.038, 0.03]),
            hip + np.array([-0.006, 0.030, -0.04]),
            x,
            (0, 0.062, 0.062),
            (1, 0.060, 0.060),
        ),
    ]


def body_field(points: np.ndarray, lofts: list[Loft]) -> np.ndarray:
    """Smooth union of the lofts, cut flat at the floor; negative inside."""
    total = np.full(len(points), REACH)
    for loft in lofts:
        low, high = loft.bounds(REACH)
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        distance = loft.field(points[near])
        # Polynomial smooth minimum: equal to min() outside the blend radius.
        mix = np.maximum(BLEND - np.abs(total[near] - distance), 0.0) / BLEND
        total[near] = np.minimum(total[near], distance) - mix * mix * BLEND / 4
    return np.maximum(total, -points[:, 2])
