"""Basketball of one to four players (Movement Research Lab, Seoul National University)."""

from backend.datasets.recordings import Recordings

# Names are session, take and player; a session's players are the same people in every take.
Recordings(
    "snu_basketball_apache",
    person=r"bb_s_(\d+)",
    take=r"bb_s_(\d+)_(\d+)",
    stratum="basketball",
    most_slide=0.6,
).register("Apache-2.0 (snumrl/VSports)", "B", weight=0.7)
