"""The transformers' material: samples drawn, tokens, captions and what is kept on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_checkpoint import HashedWords
from torch import Tensor

from backend.datasets.actions import Action
from backend.datasets.samples import Sample
from backend.motion.features import FEATURES
from backend.training.tokens import (
    CAPTIONS,
    MAX_TOKENS,
    TokenPart,
    TokenSet,
    distinct,
    draw_captions,
    draw_samples,
    draw_tokens,
    encode_texts,
    stored_vectors,
    token_set,
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
        few, many = (draw_samples(clips, "train", range(count), seed=4) for count in (5, 12))
        later = draw_samples(clips, "train", (11, 8), seed=4)
        for one, other in [
            *zip(few, many, strict=False),
            (later[0], many[11]),
            (later[1], many[8]),
        ]:
            np.testing.assert_array_equal(one.features, other.features)
            assert (one.actions, one.natural) == (other.actions, other.natural)
        assert (len(few), len(many), len(later)) == (5, 12, 2)
        starts = {tuple(s.features[0, [NUMBER, FRAME]]) + s.features.shape for s in many}
        assert len(starts) > 6
        other_seed = draw_samples(clips, "train", range(5), seed=5)
        assert any(
            not np.array_equal(one.features, other.features)
            for one, other in zip(few, other_seed, strict=True)
        )

    def test_captions_depend_on_the_seed_and_the_number_alone(self) -> None:
        drawn = samples(*[24] * 20)
        few, many = (draw_captions(drawn[:count], range(count), seed=2) for count in (6, 20))
        assert [len(texts) for texts in many] == [CAPTIONS] * 20
        assert few == many[:6]
        assert draw_captions([drawn[9], drawn[4]], (9, 4), seed=2) == [many[9], many[4]]
        assert draw_captions(drawn[:6], range(2, 8), seed=2) != few
        assert all("kick" not in text for texts in many[::2] for text in texts)
        assert draw_captions(drawn[:6], range(6), seed=3) != few

    def test_every_distinct_caption_stands_in_the_table_once(self) -> None:
        worded = draw_captions(samples(*[24] * 20), range(20), seed=2)
        table, texts = distinct(worded)
        assert table.shape == (20, CAPTIONS)
        assert table.dtype == np.int64
        assert len(set(texts)) == len(texts) == table.max() + 1 < table.size
        assert np.array(texts)[table].tolist() == worded


class TestParts:
    @pytest.fixture
    def drawn(self) -> Callable[..., TokenPart]:
        """Samples of some numbers as tokens of a tiny network."""
        clips = [marked_clip(n, kind, 300) for n, kind in enumerate(("run", "kick", "bow"))]
        rng = np.random.default_rng(0)
        for clip in clips:
            clip.features[:] += rng.normal(size=clip.features.shape)
        network = tiny_rvq().eval()
        mean, std = np.full(FEATURES, 0.1, np.float32), np.full(FEATURES, 2.0, np.float32)

        def draw(*numbers: int) -> TokenPart:
            return draw_tokens(clips, "train", numbers, 4, network, mean, std)

        return draw

    def test_together_they_are_what_one_piece_is(
        self, drawn: Callable[..., TokenPart], tmp_path: Path
    ) -> None:
        encoder = HashedWords()
        parts = [drawn(*range(start, min(start + 5, 12))) for start in range(0, 12, 5)]
        whole = token_set([drawn(*range(12))], encoder, tmp_path / "whole.npz")
        assert [len(part.ids) for part in parts] == [5, 5, 2]
        assert_same(token_set(parts, encoder, tmp_path / "parts.npz"), whole)
        assert len(whole) == 12
        assert len(set(whole.texts)) == len(whole.texts)
        assert len(np.unique(whole.ids)) > 5

    def test_every_sample_keeps_what_belongs_to_it(
        self, drawn: Callable[..., TokenPart], tmp_path: Path
    ) -> None:
        first, second = drawn(7, 3), drawn(20)
        made = token_set([first, second], HashedWords(), tmp_path / "texts.npz")
        alone = [drawn(number) for number in (7, 3, 20)]
        np.testing.assert_array_equal(made.ids, np.concatenate([part.ids for part in alone]))
        assert made.lengths.tolist() == [part.lengths[0] for part in alone]
        assert made.kinds == [part.kinds[0] for part in alone]
        assert made.natural.tolist() == [part.natural[0] for part in alone]
        assert np.array(made.texts)[made.captions].tolist() == [part.captions[0] for part in alone]
        np.testing.assert_array_equal(made.vectors, encode_texts(made.texts, HashedWords()))
        # The vectors are kept, so that the same captions are not encoded again.
        counted = _Counted(HashedWords.name)
        token_set([first, second], counted, tmp_path / "texts.npz")
        assert counted.asked == []


class TestVectors:
    def test_stand_in_the_order_of_their_texts(self) -> None:
        texts = ["a person walks slowly", "run", "someone kicks", "bow"] * 80
        encoder = HashedWords()
        wanted = encoder.encode(texts).astype(np.float16)
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
