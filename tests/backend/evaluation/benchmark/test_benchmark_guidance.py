"""The guidance of the benchmark's generations: the protocol's, or the checkpoint's own."""

import json
from pathlib import Path

import pytest
from msgspec import structs

from backend.checkpoints.loading import EMBEDDED, load_checkpoint
from backend.evaluation.benchmark.protocols import PROTOCOLS
from backend.generation.sampling import Sampling


@pytest.mark.parametrize("name", ["quick", "full"])
def test_a_checkpoints_guidance_goes_before_the_protocols(name: str) -> None:
    protocol = PROTOCOLS[name]
    assert protocol.suited(None).sampled("bamm") == Sampling()
    assert protocol.suited(2.5).sampled("momask") == Sampling(guidance=2.5)
    assert protocol.suited(0.0).sampled("momask") == Sampling(guidance=0.0)
    own = Sampling(3, 6.0, dropped_share=0.5, residual_guidance=2.0)
    other = structs.replace(protocol, sampling=own)
    assert other.suited(None) == other
    assert other.suited(2.5).sampled("momask") == structs.replace(own, guidance=2.5)


def test_published_protocols_sample_as_released_whatever_the_checkpoint_asks() -> None:
    published = PROTOCOLS["published"].suited(2.5)
    assert published.sampled("momask") == Sampling()
    assert published.sampled("bamm") == Sampling(dropped_share=0.0, residual_guidance=6.0)
    assert (published.whole, published.drop_last, published.preset) == (True, True, "published")
    safemo = PROTOCOLS["safemo"]
    assert (safemo.seed, safemo.repeats, safemo.sampled("momask").guidance) == (10, 1, 1.0)


def test_a_protocol_can_be_cut_down() -> None:
    cut = PROTOCOLS["full"].changed(("forget", "retain"), 3, 10)
    assert (cut.suites, cut.repeats, cut.prompts) == (("forget", "retain"), 3, 10)
    assert cut.leakage == cut.attacked == cut.varied == 10
    assert PROTOCOLS["quick"].changed(limit=100).prompts == 64


def test_a_run_tells_the_guidance_that_its_checkpoint_asked_for(run: Path) -> None:
    # Resuming compares this file, so that no run is made with two scales.
    manifest = json.loads((run / "protocol.json").read_bytes())
    assert manifest["protocol"]["sampling"]["guidance"] == load_checkpoint(EMBEDDED).guidance != 4.0
