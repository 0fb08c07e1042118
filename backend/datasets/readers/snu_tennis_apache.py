"""Tennis of one player (Movement Research Lab, Seoul National University)."""

from backend.datasets.recordings import Recordings

Recordings("snu_tennis_apache", stratum="tennis").register(
    "Apache-2.0 (snumrl/InteractiveAnimation)", "B"
)
