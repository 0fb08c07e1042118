"""Play, work and fights of one or two people (Movement Research Lab, Seoul National University)."""

from backend.datasets.recordings import Recordings

_SELDOM = "two people walk for twenty seconds and seldom wave, which their one label does not tell"

# Two people, hys and mmk, were recorded together in the takes called multi.
Recordings(
    "snu_tiling_patches_mit",
    take=r"tp_multi_(?:hys|mmk)_(.+)",
    left_out={"tp_multi_hys_wave": _SELDOM, "tp_multi_mmk_wave": _SELDOM},
).register("MIT, later Apache-2.0, Manmyung Kim and Kyunglyul Hyun 2013", "B")
