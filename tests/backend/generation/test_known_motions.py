"""The motions of forty requests stay what they are while the code around them changes."""

import json

import numpy as np
import torch
from known_requests import STORED, digest, machine, motions

from backend.generation.generator import Generator


def test_forty_requests_give_the_stored_motions():
    """To the last bit where processor and PyTorch are those of the file, else within 0.1 mm."""
    stored = json.loads(STORED.read_text())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {name: digest(takes) for name, takes in motions(Generator(device="cpu"))}
    finally:
        torch.set_num_threads(threads)
    assert found.keys() == stored["motions"].keys()
    for name, known in stored["motions"].items():
        assert found[name]["frames"] == known["frames"], name
        for figure in ("means", "spreads"):
            for old, new in zip(known[figure], found[name][figure], strict=True):
                np.testing.assert_allclose(new, old, atol=1e-4, err_msg=name)
        if stored["machine"] == machine():
            assert found[name]["sha256"] == known["sha256"], name
