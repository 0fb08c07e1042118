"""Named sampler settings, and the guidance that a checkpoint asks for in their place."""

import numpy as np
import pytest
from official_files import write_release
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.checkpoints.loading import load_checkpoint
from backend.generation import generator
from backend.generation.generator import Generator
from backend.generation.presets import PRESETS, find_preset
from backend.generation.sampling import Sampling
from backend.generation.token_sampler import SampleSpec, TokenSampler
from backend.models.reference_quirks import CORRECTED, PUBLISHED
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError
from shared.protocol.messages import Generate, SamplingOptions


def test_only_the_published_preset_has_the_released_oddities():
    assert find_preset("published").quirks is PUBLISHED
    assert find_preset("default").quirks is CORRECTED
    assert PUBLISHED.doubled_logits
    assert not PUBLISHED.stable_ties
    assert PUBLISHED.second_pass_guidance == 3.0
    assert not CORRECTED.doubled_logits
    assert CORRECTED.stable_ties
    assert CORRECTED.second_pass_guidance is None


def test_published_bamm_draws_from_all_classes():
    sampling = find_preset("published").sampling["bamm"]
    assert (sampling.dropped_share, sampling.residual_guidance) == (0.0, 6.0)


def test_an_unknown_preset_gets_a_suggestion():
    with pytest.raises(PlacidError, match="did you mean 'published'"):
        find_preset("Publishd")


@pytest.mark.parametrize("name", PRESETS)
def test_a_checkpoints_networks_behave_as_the_preset_says(tmp_path, name):
    quirks = find_preset(name).quirks
    checkpoint = load_checkpoint(write_release(tmp_path), quirks=quirks)
    assert checkpoint.quirks is quirks
    assert checkpoint.networks["residual"].module.quirks is quirks


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A generator of small networks whose checkpoint asks for a guidance scale."""
    monkeypatch.setattr(generator, "make_encoder", lambda *arguments: HashedWords())

    def opened(guidance, preset="default"):
        folder = write_tiny_checkpoint(tmp_path / f"{guidance}", guidance)
        return Generator(folder, "cpu", EditStore([]), preset=preset)

    return opened


@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_a_checkpoints_guidance_changes_the_default_preset_alone(opened, model):
    assert opened(None).sampling(model) == Sampling()
    asked = opened(2.5).sampling(model)
    assert asked == Sampling(guidance=2.5)
    published = find_preset("published").sampling[model]
    for guidance in (None, 2.5):
        assert opened(guidance, "published").sampling(model) == published
    # The presets themselves stay as they are for the next checkpoint.
    assert opened(None).sampling(model) == Sampling()


@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_a_requests_own_guidance_wins_over_the_checkpoints(opened, model):
    plain, asking = opened(None), opened(15.0)

    def joints(made_by, **settings):
        sampling = SamplingOptions(**settings)
        [motion] = made_by.generate(Generate("a person walks", 9.0, model=model, sampling=sampling))
        return motion.joints

    assert np.abs(joints(asking) - joints(plain)).max() > 1e-4
    np.testing.assert_array_equal(joints(asking), joints(plain, guidance=15.0))
    np.testing.assert_array_equal(joints(asking, guidance=4.0), joints(plain))
    # Nor does what else a request says make the checkpoint's guidance forgotten.
    np.testing.assert_array_equal(
        joints(asking, temperature=2.0), joints(plain, temperature=2.0, guidance=15.0)
    )


def test_a_published_edit_keeps_base_tokens_and_draws_all_residual_ones(tmp_path):
    checkpoint = load_checkpoint(write_tiny_checkpoint(tmp_path / "tiny"))
    sampler = TokenSampler(checkpoint.model_networks("momask"), "momask", Sampling(steps=2), 4)
    ids = np.random.default_rng(0).integers(0, 32, (9, 6))
    editable = np.arange(9) >= 6
    text = np.ones(16, np.float32)

    def edited(all_residuals):
        spec = SampleSpec(text, 3, ids=ids, editable=editable, all_residuals=all_residuals)
        [made] = sampler.sample([spec], lambda fraction, stage: None)
        return made

    published, own = edited(True), edited(False)
    np.testing.assert_array_equal(published[:6, 0], ids[:6, 0])
    np.testing.assert_array_equal(own[:6], ids[:6])
    assert (published[:6, 1:] != ids[:6, 1:]).mean() > 0.3
