"""Clips of the CMU Graphics Lab database that only exist on game characters."""

from backend.datasets.readers.cmu import CMU_LICENCE
from backend.datasets.recordings import Recordings

Recordings("cmu_more_fbx", person=r"(\d+)").register(CMU_LICENCE, "A")
