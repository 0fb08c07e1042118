"""KayKit's character animations (Kay Lousberg, CC0): hand-keyed on a cartoon body."""

from backend.datasets.recordings import Recordings

Recordings("kaykit_cc0", fastest=12.0, most_slide=0.5).register(
    "CC0 1.0 (Kay Lousberg)", "B", weight=0.2
)
