"""UI-PRMD: ten exercises of rehabilitation by ten people (Vakanski et al. 2018)."""

from backend.datasets.recordings import Recordings

# Ten repetitions of ten people hardly differ.
Recordings("ui_prmd_pddl", person=r"uiprmd_m\d+_(s\d+)", repetitions=2).register(
    "PDDL 1.0 (UI-PRMD)", "A", weight=0.6
)
