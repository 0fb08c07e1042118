import pytest

from backend.datasets.actions import QUALITY_KINDS
from backend.datasets.captions import is_training_wording, normalise
from backend.evaluation.prompts import load_suite, suite_names
from shared.errors import PlacidError


def test_the_suites_have_the_promised_size():
    quality = load_suite("quality")
    assert set(quality) == set(QUALITY_KINDS)
    assert all(len(prompts) >= 5 for prompts in quality.values())


@pytest.mark.parametrize("suite", suite_names())
def test_no_prompt_is_a_training_wording_or_given_twice(suite):
    prompts = [prompt for group in load_suite(suite).values() for prompt in group]
    assert [prompt for prompt in prompts if is_training_wording(prompt)] == []
    assert len({normalise(prompt) for prompt in prompts}) == len(prompts)


def test_an_unknown_suite_is_answered_with_the_nearest_name():
    with pytest.raises(PlacidError, match="did you mean 'violent'"):
        load_suite("violence")
