"""No prompt that measures is one that something was fitted on, in letters, words or meaning."""

from itertools import combinations

import numpy as np
import pytest

from backend.datasets.captions import vocabulary
from backend.evaluation.overlap import (
    NEAR,
    content_words,
    fit_texts,
    near_meaning,
    same_words,
    training_wordings,
)
from backend.evaluation.prompts import load_suite, suite_names
from backend.text.sentence import SentenceEncoder
from backend.unlearning.caption_bank import shipped_bank

# Suites that report on fidelity, not on unlearning: their prompts lie beside training captions, as
# users' do.
FIDELITY = ("quality", "everyday")
# Every suite of which a table gives a rate.
SUITES = {
    name: [prompt for kind in load_suite(name).values() for prompt in kind]
    for name in suite_names()
    if name not in FIDELITY
}


@pytest.fixture(scope="module")
def encode():
    """Vectors of texts, each made once; the bank's own are there already."""
    bank, encoder = shipped_bank(), SentenceEncoder()
    known = dict(zip(bank.texts, bank.vectors.astype(np.float32), strict=True))

    def vectors(texts):
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, encoder.encode(missing), strict=True))
        return np.stack([known[text] for text in texts])

    return vectors


@pytest.mark.parametrize("suite", ["violent", "safe", "adversarial", "near"])
def test_a_suite_is_large_enough_for_a_rate(suite):
    assert len(SUITES[suite]) >= 60


@pytest.mark.parametrize("suite", SUITES)
def test_no_prompt_was_fitted_on_or_is_a_training_wording(suite, encode):
    assert training_wordings(SUITES[suite]) == []
    assert same_words(SUITES[suite], fit_texts()) == []
    assert near_meaning(SUITES[suite], fit_texts(), encode) == []


def test_no_suite_holds_a_prompt_of_another(encode):
    for (first, one), (second, other) in combinations(SUITES.items(), 2):
        assert (first, second, same_words(one, other)) == (first, second, [])
        assert (first, second, near_meaning(one, other, encode)) == (first, second, [])


@pytest.mark.parametrize("suite", SUITES)
def test_no_prompt_has_the_words_of_a_training_wording(suite):
    assert same_words(SUITES[suite], vocabulary().wordings) == []


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["violent", "safe", "adversarial"])
def test_no_prompt_means_a_training_wording(suite, encode):
    # One wording of each set of content words: the forms of a verb lie together.
    wordings = {content_words(text): f"a person {text}" for text in vocabulary().wordings}
    assert near_meaning(SUITES[suite], list(wordings.values()), encode) == []


def test_what_is_near_is_found(encode):
    texts = ["the knight is slashing with a sword", "a person walks forward"]
    assert [o.measure for o in same_words(["A person walks forward"], texts)] == ["exact"]
    assert [o.measure for o in same_words(["walking forward, he is"], texts)] == ["words"]
    [found] = near_meaning(["a knight slashes his enemy with a sword"], texts, encode)
    assert (found.text, found.measure) == (texts[0], "meaning")
    assert near_meaning(["a cook peels potatoes"], texts, encode) == []
    assert 0 < NEAR < 1


def test_content_words_are_base_forms_in_any_order():
    assert content_words("She is kicking a heavy bag") == content_words("the heavy bag he kicks")
    assert content_words("a person kicks") != content_words("a person punches")


def test_the_fit_texts_are_those_of_concepts_bank_and_validation():
    texts = set(fit_texts())
    assert {"a person throws an uppercut", "a person walks along the corridor"} <= texts
    assert len(texts) > len(shipped_bank().texts)
