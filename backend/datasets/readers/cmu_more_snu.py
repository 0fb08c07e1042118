"""Subjects 69 and 94 of the CMU database, put on one body by Seoul National University."""

from backend.datasets.readers.cmu import CMU_LICENCE
from backend.datasets.recordings import Recordings

Recordings("cmu_more_snu", person=r"(\d+)").register(f"{CMU_LICENCE}; carrier Apache-2.0", "A")
