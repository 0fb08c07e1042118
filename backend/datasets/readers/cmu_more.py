"""More clips of the CMU Graphics Lab database, from other conversions of it."""

from backend.datasets.readers.cmu import CMU_LICENCE
from backend.datasets.recordings import Recordings

# The partners of the dances of subjects 60 and 61 were recorded in the same takes.
Recordings("cmu_more", person=r"(\d+|bsig)", take=r"6[01](_\d+)").register(CMU_LICENCE, "A")
