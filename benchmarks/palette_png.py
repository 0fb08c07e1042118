"""Small PNGs of plain pictures: a few colours that stand for all, found by k-means."""

import struct
import zlib
from pathlib import Path

import numpy as np

ROUNDS = 20


def write_palette_png(pixels: np.ndarray, path: Path, colors: int) -> None:
    """Write a picture with a palette.

    Args:
        pixels: (H, W, 3) bytes, top row first.
        path: of the file.
        colors: size of the palette, 2 to 256.
    """
    palette, indices = choose_colors(pixels, colors)
    height, width = indices.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1)  # 0: no filter
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0),
        b"PLTE": palette.tobytes(),
        b"IDAT": zlib.compress(rows.tobytes(), 9),
        b"IEND": b"",
    }
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks, chunks.values())))


def choose_colors(pixels: np.ndarray, colors: int) -> tuple[np.ndarray, np.ndarray]:
    """A palette (colors, 3) of bytes and for each pixel its place in it, (H, W) bytes."""
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.int32)
    seen, place, count = np.unique(packed, return_inverse=True, return_counts=True)
    points = np.stack([seen >> 16, seen >> 8 & 255, seen & 255], axis=-1).astype(float)
    # Rare colours weigh more than their area: a body is small in its picture.
    weight = np.sqrt(count)
    order = points.sum(axis=-1).argsort()
    share = np.cumsum(weight[order]) / weight.sum()
    palette = points[order[np.searchsorted(share, (np.arange(colors) + 0.5) / colors)]]
    for _ in range(ROUNDS):
        nearest = _nearest(points, palette)
        total = np.bincount(nearest, weight, colors)
        sums = np.stack([np.bincount(nearest, weight * p, colors) for p in points.T], axis=-1)
        palette = np.where(total[:, None] > 0, sums / np.maximum(total, 1e-9)[:, None], palette)
    indices = _nearest(points, palette)[place].reshape(packed.shape)
    return palette.round().astype(np.uint8), indices.astype(np.uint8)


def _nearest(points: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """For each point (N, 3) the nearest colour of the palette (N,)."""
    far = (palette**2).sum(axis=-1) - 2.0 * points @ palette.T
    return far.argmin(axis=-1)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
