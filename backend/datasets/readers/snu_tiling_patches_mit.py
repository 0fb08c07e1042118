"""Play, work and fights of one or two people (Movement Research Lab, Seoul National University)."""

from backend.datasets.recordings import Recordings

# Two people, hys and mmk, were recorded together in the takes called multi.
Recordings("snu_tiling_patches_mit", take=r"tp_multi_(?:hys|mmk)_(.+)").register(
    "MIT, later Apache-2.0, Manmyung Kim and Kyunglyul Hyun 2013", "B"
)
