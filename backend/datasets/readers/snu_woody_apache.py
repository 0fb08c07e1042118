"""Walks, turns, jumps and sport of one actor (Movement Research Lab, Seoul National University)."""

from backend.datasets.recordings import Recordings

Recordings(
    "snu_woody_apache", left_out={"ground_not_flat": "walks on a slope, off the floor"}
).register("Apache-2.0 (snumrl/ys2010), Yoonsang Lee 2013", "B")
