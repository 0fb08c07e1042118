"""Named sampler settings."""

import pytest
from official_files import write_release

from backend.checkpoints import load_checkpoint
from backend.models.behaviour import CORRECTED, PUBLISHED
from backend.presets import PRESETS, find_preset
from shared.errors import PlacidError


def test_only_the_published_preset_has_the_released_oddities():
    assert find_preset("published").behaviour is PUBLISHED
    assert find_preset("default").behaviour is CORRECTED
    assert PUBLISHED.doubled_logits
    assert not PUBLISHED.stable_ties
    assert PUBLISHED.second_pass_guidance == 3.0
    assert not CORRECTED.doubled_logits
    assert CORRECTED.stable_ties
    assert CORRECTED.second_pass_guidance is None


def test_published_bamm_draws_from_all_classes():
    sampling = find_preset("published").sampling["bamm"]
    assert (sampling.top_k, sampling.residual_guidance) == (0.0, 6.0)


def test_an_unknown_preset_gets_a_suggestion():
    with pytest.raises(PlacidError, match="did you mean 'published'"):
        find_preset("Publishd")


@pytest.mark.parametrize("name", PRESETS)
def test_a_checkpoints_networks_behave_as_the_preset_says(tmp_path, name):
    behaviour = find_preset(name).behaviour
    networks = load_checkpoint(write_release(tmp_path), behaviour=behaviour).networks
    for network in ("masked", "residual", "bamm"):
        assert networks[network].behaviour is behaviour
