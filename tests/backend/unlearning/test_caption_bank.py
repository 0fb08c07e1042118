import numpy as np
import pytest

from backend.evaluation.prompts import load_suite
from backend.reports.unlearning_table import prompts_for
from backend.unlearning.caption_bank import SentenceBank, choose_sentences, shipped_bank
from backend.unlearning.concept import find_concept
from backend.unlearning.errors import UnlearningError

TEXTS = ["a person walks", "walking", "someone uses a leg", "a person kicks", "never used"]
CAPTIONS = np.array([[0, 1], [2, 3], [0, 0]])


def _bank(count=3):
    vectors = np.arange(10).reshape(5, 2).astype(np.float32)
    return choose_sentences("tiny", TEXTS, vectors, CAPTIONS, count)


class _Encoder:
    name = "tiny"
    width = 2

    def __init__(self):
        self.asked = []

    def encode(self, prompts):
        self.asked += prompts
        return np.full((len(prompts), 2), -1.0, np.float32)


def test_all_captions_of_a_forget_sample_are_forgotten():
    forget, retain = _bank().divide(find_concept("kick").matches)
    assert forget == ["someone uses a leg", "a person kicks"]
    assert retain == ["a person walks", "walking"]


def test_only_unknown_texts_are_encoded():
    encoder = _Encoder()
    vectors = _bank().encode_with(encoder)(["a person kicks", "new", "walking"])
    assert encoder.asked == ["new"]
    assert vectors.tolist() == [[6.0, 7.0], [-1.0, -1.0], [2.0, 3.0]]
    encoder.name = "other"
    _bank().encode_with(encoder)(["walking"])
    assert encoder.asked == ["new", "walking"]


def test_save_and_load(tmp_path):
    path = tmp_path / "bank.safetensors"
    bank = _bank(2)
    bank.save(path)
    loaded = SentenceBank.load(path)
    assert (loaded.encoder, loaded.texts) == (bank.encoder, bank.texts)
    assert np.array_equal(loaded.vectors, bank.vectors)
    assert np.array_equal(loaded.samples, bank.samples)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UnlearningError, match="damaged"):
        SentenceBank.load(path)


def test_the_shipped_bank_serves_every_concept_and_holds_no_test_prompt():
    bank = shipped_bank()
    assert len(bank.vectors) == len(bank.texts) == len(set(bank.texts))
    assert np.isfinite(bank.vectors).all()
    forget, retain = bank.divide(find_concept("violence").matches)
    assert len(forget) > 150
    assert len(retain) > 500
    suites = {
        prompt
        for name in ("violent", "safe")
        for group in load_suite(name).values()
        for prompt in group
    }
    validation = prompts_for(find_concept("violence"), "validation")
    assert suites.isdisjoint(bank.texts)
    assert set(validation.forget + validation.retain).isdisjoint({*bank.texts, *suites})
