"""Gestures that nobody recorded, written as movements of arms, head and trunk on real bodies.

`find_bodies` picks standing and walking stretches out of recordings, `gesture_clips` puts every
registered gesture on them. A gesture is one function in a module of `families` that writes a
`Script`; its wordings stand in `assets/gestures.toml`.
"""

from backend.datasets.gestures.bodies import Body, find_bodies
from backend.datasets.gestures.clips import SOURCE, WEIGHT, gesture_clips

__all__ = ["SOURCE", "WEIGHT", "Body", "find_bodies", "gesture_clips"]
