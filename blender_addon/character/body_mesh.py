"""The surface of Placid's own character and its skin weights; plain numpy.

The field of `body_shape` is sampled on a grid, meshed by surface nets (Gibson 1998) and relaxed
onto the zero level. Sampling only the left half and mirroring it makes the mesh exactly symmetric.
"""

from collections.abc import Mapping

import numpy as np

from .body_shape import Joints, Loft, body_field, body_lofts

CELL = 0.02  # metres; about 5,500 vertices for an adult
RELAX_STEPS = 6
MAX_INFLUENCES = 4
WEIGHT_STEPS = 14


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
