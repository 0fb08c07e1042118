"""Four clips of Animated Drawings (Meta Platforms, MIT)."""

from backend.datasets.recordings import Recordings

Recordings("animated_drawings_mit").register("MIT, Copyright Meta Platforms", "B", weight=0.5)
