"""The transformers' material: samples drawn, tokens, captions and what is kept on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_checkpoint import HashedWords
from torch import Tensor

from backend.datasets.actions import Action
from backend.datasets.features import FEATURES
from backend.datasets.samples import Sample
from backend.training.tokens import (
    CAPTIONS,
    MAX_TOKENS,
    TokenSet,
    draw_captions,
    draw_samples,
    encode_texts,
    stored_vectors,
    tokenise,
)
from tests.backend.training.tiny import FRAME, NUMBER, marked_clip, tiny_rvq


class _Counted(HashedWords):
    """Counts the captions that it was asked for."""

    def __init__(self, name: str = "counted") -> None:
        self.name = name
        self.asked: list[str] = []

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """As `HashedWords` does."""
        self.asked += prompts
        return super().encode(prompts)


def samples(*frames: int) -> list[Sample]:
    """Random motions of these lengths, every other one a kick."""
    rng = np.random.default_rng(0)
    kinds = ("walk_forward", "kick")
    return [
        Sample(rng.normal(size=(count, FEATURES)).astype(np.float32), (Action(kinds[i % 2]),), ())
        for i, count in enumerate(frames)
    ]


@pytest.fixture
def tokens() -> TokenSet:
    """Four samples of one to four tokens."""
    rng = np.random.default_rng(1)
    lengths = np.arange(1, 5)
    ids = rng.integers(0, 8, (4, MAX_TOKENS, 3)).astype(np.int16)
    ids[np.arange(MAX_TOKENS) >= lengths[:, None]] = -1
    vectors = rng.normal(size=(3, 8)).astype(np.float16)
    captions = np.array([[0, 1, 2, 0], [1, 1, 1, 1], [2, 0, 0, 2], [0, 0, 1, 1]])
    texts = ["a person walks", "someone “kicks”", "ein Gruß"]
    kinds = [["walk_forward"], ["kick"], ["wave", "kick"], ["bow"]]
    natural = np.array([True, False, True, True])
    return TokenSet(ids, lengths, captions, vectors, texts, kinds, natural)


def assert_same(first: TokenSet, second: TokenSet) -> None:
    for name in ("ids", "lengths", "captions", "vectors", "natural"):
        one, other = getattr(first, name), getattr(second, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, name)
    assert (first.texts, first.kinds) == (second.texts, second.kinds)


class TestTokenSet:
    def test_comes_back_from_its_files(self, tokens: TokenSet, tmp_path: Path) -> None:
        tokens.save(tmp_path / "run", "train")
        tokens.select(tokens.natural).save(tmp_path / "run", "val")
        assert_same(TokenSet.load(tmp_path / "run", "train"), tokens)
        assert len(TokenSet.load(tmp_path / "run", "val")) == 3
        with pytest.raises(FileNotFoundError):
            TokenSet.load(tmp_path / "run", "test")

    def test_a_selection_keeps_its_captions(self, tokens: TokenSet) -> None:
        kept = tokens.select(np.array([False, True, True, False]))
        assert kept.lengths.tolist() == [2, 3]
        assert kept.kinds == [["kick"], ["wave", "kick"]]
        np.testing.assert_array_equal(kept.ids, tokens.ids[1:3])
        assert [kept.texts[row] for row in kept.captions[1]] == [
            tokens.texts[row] for row in tokens.captions[2]
        ]
        np.testing.assert_array_equal(
            kept.vectors[kept.captions], tokens.vectors[[[1] * 4, [2, 0, 0, 2]]]
        )


class TestTokenise:
    def test_agrees_with_the_network_motion_by_motion(self) -> None:
        network = tiny_rvq().eval()
        mean = np.full(FEATURES, 0.1, np.float32)
        std = np.linspace(0.5, 2, FEATURES).astype(np.float32)
        # More than a batch of 32 of one length, and others between them.
        drawn = samples(*[24, 40, 24, 196] * 18)
        ids, lengths = tokenise(drawn, network, mean, std)
        assert ids.shape == (72, MAX_TOKENS, 3)
        assert ids.dtype == np.int16
        assert lengths.tolist() == [6, 10, 6, 49] * 18
        for row, length, sample in zip(ids, lengths, drawn, strict=True):
            x = torch.from_numpy((sample.features - mean) / std)[None]
            with torch.no_grad():
                wanted = network.encode(x)[0][0].numpy()
            np.testing.assert_array_equal(row[:length], wanted)
            assert (row[length:] == -1).all()
        assert len(np.unique(ids)) > 5


class TestSamples:
    def test_one_depends_on_the_seed_and_its_number_alone(self) -> None:
        clips = [marked_clip(n, kind, 300) for n, kind in enumerate(("run", "kick", "bow"))]
        few, many = (draw_samples(clips, "train", count, seed=4) for count in (5, 12))
        for one, other in zip(few, many, strict=False):
            np.testing.assert_array_equal(one.features, other.features)
            assert (one.actions, one.natural) == (other.actions, other.natural)
        starts = {tuple(s.features[0, [NUMBER, FRAME]]) + s.features.shape for s in many}
        assert len(starts) > 6
        other_seed = draw_samples(clips, "train", 5, seed=5)
        assert any(
            not np.array_equal(one.features, other.features)
            for one, other in zip(few, other_seed, strict=True)
        )

    def test_captions_depend_on_the_seed_and_the_number_alone(self) -> None:
        few, many = (draw_captions(samples(*[24] * count), seed=2) for count in (6, 20))
        for (table, texts), count in ((few, 6), (many, 20)):
            assert table.shape == (count, CAPTIONS)
            assert len(set(texts)) == len(texts) == table.max() + 1
        worded = [np.array(texts)[table] for table, texts in (few, many)]
        np.testing.assert_array_equal(worded[0], worded[1][:6])
        assert all("kick" not in text for text in worded[1][::2].flat)
        table, texts = draw_captions(samples(*[24] * 6), seed=3)
        assert (np.array(texts)[table] != worded[0]).any()


class TestVectors:
    def test_stand_in_the_order_of_their_texts(self) -> None:
        texts = ["a person walks slowly", "run", "someone kicks", "bow"] * 80
        encoder = HashedWords()
        wanted = encoder.encode(texts).numpy().astype(np.float16)
        np.testing.assert_array_equal(encode_texts(texts, encoder), wanted)

    def test_are_encoded_again_only_for_other_texts_or_another_encoder(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "run" / "train.texts.npz"
        encoder = _Counted()
        first = stored_vectors(["walk", "run"], encoder, path)
        assert sorted(encoder.asked) == ["run", "walk"]
        np.testing.assert_array_equal(stored_vectors(["walk", "run"], encoder, path), first)
        assert len(encoder.asked) == 2
        turned = stored_vectors(["run", "walk"], encoder, path)
        np.testing.assert_array_equal(turned, first[::-1])
        assert len(encoder.asked) == 4
        other = _Counted("another")
        stored_vectors(["run", "walk"], other, path)
        assert len(other.asked) == 2
        stored_vectors(["run", "walk", "bow"], other, path)
        assert len(other.asked) == 5
