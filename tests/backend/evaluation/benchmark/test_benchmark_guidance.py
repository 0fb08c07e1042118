"""The guidance of the benchmark's generations: the protocol's, or the checkpoint's own."""

import json
from pathlib import Path

import pytest
from msgspec import structs

from backend.checkpoints.loading import EMBEDDED, load_checkpoint
from backend.evaluation.benchmark.protocols import PROTOCOLS, Protocol
from backend.generation.sampling import Sampling


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_a_checkpoints_guidance_goes_before_the_protocols(protocol: Protocol) -> None:
    assert protocol.suited(None).sampling == Sampling()
    assert protocol.suited(2.5).sampling == Sampling(guidance=2.5)
    assert protocol.suited(0.0).sampling == Sampling(guidance=0.0)
    own = Sampling(3, 6.0, dropped_share=0.5, residual_guidance=2.0)
    other = structs.replace(protocol, sampling=own)
    assert other.suited(None) == other
    assert other.suited(2.5).sampling == structs.replace(own, guidance=2.5)


def test_a_run_tells_the_guidance_that_its_checkpoint_asked_for(run: Path) -> None:
    # Resuming compares this file, so that no run is made with two scales.
    manifest = json.loads((run / "protocol.json").read_bytes())
    assert manifest["protocol"]["sampling"]["guidance"] == load_checkpoint(EMBEDDED).guidance != 4.0
