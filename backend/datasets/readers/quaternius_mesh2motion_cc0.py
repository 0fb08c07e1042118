"""Quaternius' animation library with additions of Mesh2Motion (CC0): hand-keyed."""

from backend.datasets.recordings import Recordings

Recordings("quaternius_mesh2motion_cc0", fastest=12.0, most_slide=0.5).register(
    "CC0 1.0 (Quaternius, Mesh2Motion)", "A", weight=0.2
)
