"""ReActIdle: people who stand and wait, acted and genuine (RSAIT, MIT)."""

from backend.datasets.recordings import Recordings

Recordings("react_idle_mit", person=r"(\d+)", stratum="idle").register(
    "MIT, Copyright RSAIT 2025", "A", weight=0.6
)
