"""Stage fights of two people, of whom each is a clip (NCSOFT and Seoul National University)."""

from backend.datasets.recordings import Recordings

Recordings("snu_ncsoft_martial_arts_bsd", take=r"ma_s_(\d+)_(\d+)", stratum="fight").register(
    "BSD 3-Clause, Copyright 2020 NCSOFT Corporation and Seoul National University R&D Foundation",
    "B",
)
