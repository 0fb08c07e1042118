"""The shape of Placid's own character: a neutral human surface and its skin weights.

Plain numpy. The body is a union of lofted limbs, given as a signed field that is sampled on a
grid, meshed by surface nets (Gibson 1998) and relaxed onto the zero level. Sampling only the left
half and mirroring it makes the mesh exactly symmetric.

Coordinates are Blender's: metres, Z up, the body faces -Y, its left side is +X.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CELL = 0.02  # metres; about 4,500 vertices for an adult
BLEND = 0.03  # radius over which neighbouring limbs flow into each other
RELAX_STEPS = 6
MAX_INFLUENCES = 4
WEIGHT_STEPS = 14

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
    total = np.full(len(points), BLEND + CELL)
    for loft in lofts:
        low, high = loft.bounds(BLEND + 2 * CELL)
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        distance = loft.field(points[near])
        # Polynomial smooth minimum: equal to min() outside the blend radius.
        mix = np.maximum(BLEND - np.abs(total[near] - distance), 0.0) / BLEND
        total[near] = np.minimum(total[near], distance) - mix * mix * BLEND / 4
    return np.maximum(total, -points[:, 2])


def body_surface(joints: Joints) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and quads (F, 4) of the closed, symmetric body surface."""
    lofts = body_lofts(joints)
    tip = joints["left_wrist"][0] + 0.22
    depth = 0.34
    counts = [int(np.ceil(size / CELL)) for size in (tip, 2 * depth, joints["head"][2] + 0.30)]
    # Offsetting x by half a cell keeps the mirror plane between two samples.
    xs = (np.arange(counts[0]) + 0.5) * CELL
    ys = np.arange(counts[1]) * CELL - depth
    zs = np.arange(counts[2]) * CELL - 2 * CELL + 0.4 * CELL
    grid = np.stack(np.meshgrid(xs, ys, zs, indexing="ij"), axis=-1)
    half = body_field(grid.reshape(-1, 3), lofts).reshape(counts)
    values = np.concatenate([half[::-1], half])
    origin = np.array([-xs[-1], ys[0], zs[0]])
    vertices, quads = surface_nets(values, origin, CELL)
    return _relax(vertices, quads, lofts), quads


def surface_nets(
    values: np.ndarray, origin: np.ndarray, cell: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mesh the zero level of a sampled field, negative inside: quads facing outwards."""
    inside = values < 0
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    shape = tuple(size - 1 for size in values.shape)

    def at(array: np.ndarray, corner: tuple[int, int, int]) -> np.ndarray:
        return array[tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))]

    full = sum(at(inside, corner).astype(np.int8) for corner in corners)
    cells = np.argwhere((full > 0) & (full < 8))
    number = np.full(shape, -1, dtype=np.int64)
    number[tuple(cells.T)] = np.arange(len(cells))
    sums, hits = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for first in corners:
        for axis in range(3):
            if first[axis]:
                continue
            second = tuple(c + (a == axis) for a, c in enumerate(first))
            low = values[tuple((cells + first).T)]
            high = values[tuple((cells + second).T)]
            crossed = (low < 0) != (high < 0)
            part = np.where(crossed, low / np.where(crossed, low - high, 1.0), 0.0)
            spot = np.tile(np.asarray(first, float), (len(cells), 1))
            spot[:, axis] += part
            sums += spot * crossed[:, None]
            hits += crossed
    vertices = origin + (cells + sums / hits[:, None]) * cell
    return vertices, np.concatenate([_faces_across(inside, number, axis) for axis in range(3)])


def _faces_across(inside: np.ndarray, number: np.ndarray, axis: int) -> np.ndarray:
    """One quad for every grid edge along `axis` whose ends lie on different sides."""
    low = np.moveaxis(inside, axis, 0)[:-1]
    high = np.moveaxis(inside, axis, 0)[1:]
    edges = np.argwhere(low != high)
    leaving = low[tuple(edges.T)]
    cells = np.moveaxis(number, axis, 0)
    ring = [(0, 0), (-1, 0), (-1, -1), (0, -1)]
    quads = np.stack(
        [cells[edges[:, 0], edges[:, 1] + a, edges[:, 2] + b] for a, b in ring], axis=-1
    )
    # moveaxis turns the middle axis into a left-handed frame.
    flip = leaving if axis == 1 else ~leaving
    quads[flip] = quads[flip][:, ::-1]
    return quads[(quads >= 0).all(axis=1)]


def _relax(vertices: np.ndarray, quads: np.ndarray, lofts: list[Loft]) -> np.ndarray:
    """Even out the spacing, then pull every vertex back onto the surface."""
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    degree = np.bincount(edges[:, 0], minlength=len(vertices))[:, None]
    for step in range(RELAX_STEPS):
        mean = np.zeros_like(vertices)
        np.add.at(mean, edges[:, 0], vertices[edges[:, 1]])
        vertices = vertices + 0.6 * (mean / degree - vertices)
        if step % 3 == 2:
            vertices = _project(vertices, lofts)
    return vertices


def _project(vertices: np.ndarray, lofts: list[Loft]) -> np.ndarray:
    """One Newton step towards the zero level (the left half's field serves both halves)."""
    folded = vertices.copy()
    folded[:, 0] = np.abs(folded[:, 0])
    step = 0.002
    value = body_field(folded, lofts)
    slope = np.stack(
        [(body_field(folded + step * axis, lofts) - value) / step for axis in np.eye(3)], axis=-1
    )
    # On the mirror plane itself there is no sideways slope.
    slope[:, 0] *= np.sign(vertices[:, 0].round(6))
    square = np.maximum((slope * slope).sum(axis=1), 0.2)
    return vertices - slope * (value / square)[:, None]


def skin_weights(
    vertices: np.ndarray, quads: np.ndarray, bones: Mapping[str, np.ndarray]
) -> tuple[list[str], np.ndarray]:
    """Weights (V, B) of at most `MAX_INFLUENCES` bones a vertex; each row sums to 1.

    `bones` maps a bone's name to its segments (S, 2, 3). A vertex belongs to the nearest bone;
    diffusing that over the surface makes the soft transition at the joints.
    """
    names = list(bones)
    distances = np.stack(
        [_segment_distance(vertices, segments) for segments in bones.values()], axis=1
    )
    for column, name in enumerate(names):
        # A left limb never takes hold of the right side, however close the legs are.
        side = {"left": -1.0, "right": 1.0}.get(name.split("_")[0], 0.0)
        distances[vertices[:, 0] * side > 0.004, column] = np.inf
    weights = np.eye(len(names))[distances.argmin(axis=1)]
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    degree = np.bincount(edges[:, 0], minlength=len(vertices))[:, None]
    for _ in range(WEIGHT_STEPS):
        mean = np.zeros_like(weights)
        np.add.at(mean, edges[:, 0], weights[edges[:, 1]])
        weights = 0.5 * weights + 0.5 * mean / degree
    cut = np.sort(weights, axis=1)[:, -MAX_INFLUENCES][:, None]
    weights = np.where(weights >= np.maximum(cut, 0.01), weights, 0.0)
    return names, weights / weights.sum(axis=1, keepdims=True)


def _segment_distance(points: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Distance to the nearest of a bone's segments: (N, 3), (S, 2, 3) -> (N,)."""
    nearest = np.full(len(points), np.inf)
    for start, end in segments:
        axis = end - start
        part = np.clip((points - start) @ axis / (axis @ axis), 0.0, 1.0)
        offset = points - start - part[:, None] * axis
        nearest = np.minimum(nearest, np.linalg.norm(offset, axis=1))
    return nearest
