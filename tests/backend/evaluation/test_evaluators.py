"""Evaluators: the published network against goldens, its files, safe reading; the embedded one."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from goldens import Golden, rnd, weights
from torch import Tensor

from backend.evaluation.evaluators.embedded import load_evaluator, save_evaluator
from backend.evaluation.evaluators.official import load_official_evaluator
from backend.evaluation.evaluators.words import (
    CLASSES,
    Vocabulary,
    load_vocabulary,
    mask_terms,
    pad_tokens,
)
from backend.models.matching import MatcherConfig, SentenceMatcher, WordMatcher, WordMatcherConfig
from shared.errors import PlacidError

PARTS = ("movement_encoder", "motion_encoder", "text_encoder")


def matcher(golden: Golden) -> WordMatcher:
    config = golden.config
    network = WordMatcher(
        WordMatcherConfig(
            movement_hidden=config["movement_hidden"],
            movement_latent=config["movement_latent"],
            motion_hidden=config["motion_hidden"],
            text_hidden=config["text_hidden"],
            output=config["coemb"],
        )
    )
    for part in PARTS:
        module = getattr(network, part)
        module.load_state_dict(weights(module, golden.seed, f"{part}."))
    return network.eval()


def vocabulary(golden: Golden) -> Vocabulary:
    names = golden.strings("vocab")
    vectors = rnd("glove", (len(names), 300), golden.seed).numpy()
    return Vocabulary({name: row for row, name in enumerate(names)}, vectors)


def words_of(padded: str) -> list[str]:
    """The tokens of a golden string without frame and padding."""
    return [token for token in padded.split("_") if not token.endswith("/OTHER")]


def longest_first(lengths: Tensor) -> Tensor:
    """The order that the published code leaves its embeddings in."""
    return torch.from_numpy(np.argsort(lengths.numpy())[::-1].copy())


class TestPublishedNetwork:
    golden = Golden("evaluator")

    def test_reads_tokens_as_published(self) -> None:
        read = vocabulary(self.golden)
        found = [read.look_up(token) for token in self.golden.strings("tok")]
        self.golden.check("tok_vec_index", np.array([row for row, _ in found]))
        self.golden.check("tok_pos", np.array([number for _, number in found]))
        assert self.golden.strings("pos_names") == CLASSES

    def test_frames_and_pads_captions(self) -> None:
        for padded, length in zip(
            self.golden.strings("cap_tokens"), self.golden["cap_lens"].tolist(), strict=True
        ):
            assert pad_tokens(words_of(padded)) == (padded.split("_"), length)
        assert pad_tokens(["a/DET"] * 30)[1] == 22

    @torch.no_grad()
    def test_embeds_as_published(self) -> None:
        network, golden = matcher(self.golden), self.golden
        motions, lengths = golden["motions"].float(), golden["m_lens"]
        golden.check("movement", network.movement_encoder(motions[..., :-4]))
        embedded = network.embed_motions(motions, lengths)
        captions = [words_of(padded) for padded in golden.strings("cap_tokens")]
        texts = network.embed_texts(*vocabulary(golden).encode(captions))
        golden.check("text_only", texts)
        order = longest_first(lengths)
        golden.check("align_idx", order)
        golden.check("co_motion", embedded[order])
        golden.check("co_text", texts[order])
        golden.check("motion_only", embedded[order])

    @torch.no_grad()
    def test_masks_toxic_terms_as_published(self) -> None:
        golden = Golden("hmu_eval")
        network, read = matcher(golden), vocabulary(golden)
        terms = golden.strings("toxic_terms")
        for batch, strings in enumerate(golden.strings("tokens")):
            captions = [words_of(padded) for padded in strings]
            clean = [[mask_terms(token, terms) for token in tokens] for tokens in captions]
            toxic = [a != b for a, b in zip(captions, clean, strict=True)]
            assert toxic == golden["masked"][batch].tolist()
            order = longest_first(golden["m_lens"][batch])
            for name, part in (("et", captions), ("et_clean", clean)):
                embedded = network.embed_texts(*read.encode(part))[order]
                wanted = golden[name][batch]
                torch.testing.assert_close(embedded, wanted, rtol=1e-4, atol=1e-4)


def test_the_published_sizes_are_those_of_the_release() -> None:
    import json

    from goldens import FOLDER

    layout = json.loads((FOLDER / "checkpoint_layout.json").read_text(encoding="utf-8"))
    wanted = layout["checkpoints"]["evaluator_text_mot_match"]
    with torch.device("meta"):
        network = WordMatcher(WordMatcherConfig())
    for part in PARTS:
        shapes = {key: list(t.shape) for key, t in getattr(network, part).state_dict().items()}
        assert shapes == {key: entry["shape"] for key, entry in wanted[part].items()}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A small release of the evaluator, with its GloVe files in `glove`."""
    golden = Golden("evaluator")
    network, read = matcher(golden), vocabulary(golden)
    (tmp_path / "text_mot_match" / "model").mkdir(parents=True)
    states = {part: getattr(network, part).state_dict() for part in PARTS}
    torch.save(
        states | {"epoch": 3, "iter": 40}, tmp_path / "text_mot_match" / "model" / "finest.tar"
    )
    meta = tmp_path / "Comp_v6_KLD005" / "meta"
    meta.mkdir(parents=True)
    np.save(meta / "mean.npy", np.zeros(263))
    np.save(meta / "std.npy", np.ones(263))
    glove = tmp_path / "glove"
    glove.mkdir()
    np.save(glove / "our_vab_data.npy", read.vectors)
    for name, value in (("words", list(read.rows)), ("idx", read.rows)):
        (glove / f"our_vab_{name}.pkl").write_bytes(pickle.dumps(value))
    return tmp_path


class _Harm:
    """A pickle that makes a folder when it is opened carelessly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


class TestOfficialFiles:
    def test_embeds_what_the_network_embeds(self, release: Path) -> None:
        golden = Golden("evaluator")
        tokens = {"walk slowly": ["walk/VERB", "slowly/ADV"], "kick": ["kick/VERB"]}
        evaluator = load_official_evaluator(release, release / "glove", tokens)
        # The fourth and fifth golden captions.
        np.testing.assert_allclose(
            evaluator.embed_texts(list(tokens)), golden["text_only"][3:], rtol=1e-4, atol=1e-4
        )
        motion, length = golden["motions"][2].float(), int(golden["m_lens"][2])
        embedded = evaluator.embed_motions([motion[:length].numpy()])
        # Shorter than the padding of either, so that the same zeros follow.
        row = golden["align_idx"].tolist().index(2)
        np.testing.assert_allclose(embedded[0], golden["motion_only"][row], rtol=1e-4, atol=1e-4)

    def test_names_captions_without_tokens(self, release: Path) -> None:
        evaluator = load_official_evaluator(release, release / "glove", {})
        with pytest.raises(PlacidError, match="'a man jumps'"):
            evaluator.embed_texts(["a man jumps"])

    @pytest.mark.parametrize("part", ["words", "idx"])
    def test_runs_nothing_that_a_vocabulary_asks_for(self, release: Path, part: str) -> None:
        folder = release / "harm"
        path = release / "glove" / f"our_vab_{part}.pkl"
        path.write_bytes(pickle.dumps([_Harm(folder)]))
        with pytest.raises(PlacidError, match=rf"our_vab_{part}\.pkl cannot be read"):
            load_vocabulary(release / "glove")
        assert not folder.exists()

    def test_runs_nothing_that_the_weights_ask_for(self, release: Path) -> None:
        folder = release / "harm"
        torch.save(
            {"movement_encoder": _Harm(folder)},
            release / "text_mot_match" / "model" / "finest.tar",
        )
        with pytest.raises(PlacidError, match="runs no code"):
            load_official_evaluator(release, release / "glove", {})
        assert not folder.exists()

    def test_refuses_words_without_vectors(self, release: Path) -> None:
        path = release / "glove" / "our_vab_idx.pkl"
        path.write_bytes(pickle.dumps({"sos": 0, "eos": 1}))
        with pytest.raises(PlacidError, match=r"our_vab_idx\.pkl cannot be read"):
            load_vocabulary(release / "glove")


class _LetterEncoder:
    """Vectors that depend on the letters of a prompt."""

    name = "all-MiniLM-L6-v2"
    width = 384

    def encode(self, prompts: list[str]) -> Tensor:
        return torch.stack(
            [torch.randn(384, generator=torch.Generator().manual_seed(len(p))) for p in prompts]
        )


class TestEmbedded:
    def test_a_motion_does_not_depend_on_its_neighbours(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        mean, std = np.zeros(263, np.float32), np.ones(263, np.float32)
        network = SentenceMatcher(MatcherConfig())
        evaluator = save_evaluator(network, mean, std, _LetterEncoder(), tmp_path)
        rng = np.random.default_rng(0)
        motions = [rng.normal(size=(t, 263)).astype(np.float32) for t in (24, 80, 196, 61)]
        together = evaluator.embed_motions(motions)
        alone = np.concatenate([evaluator.embed_motions([motion]) for motion in motions])
        np.testing.assert_allclose(together, alone, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)
        again = load_evaluator(tmp_path, _LetterEncoder())
        np.testing.assert_array_equal(again.embed_motions(motions), together)
        assert again.fingerprint == evaluator.fingerprint

    @pytest.mark.parametrize(
        ("motion", "problem"),
        [
            (np.zeros((40, 262)), r"shape \(40, 262\)"),
            (np.zeros((3, 263)), r"shape \(3, 263\)"),
            (np.full((40, 263), np.nan), "not numbers"),
        ],
    )
    def test_names_motions_that_cannot_be_read(
        self, tmp_path: Path, motion: np.ndarray, problem: str
    ) -> None:
        mean, std = np.zeros(263, np.float32), np.ones(263, np.float32)
        network = SentenceMatcher(MatcherConfig())
        evaluator = save_evaluator(network, mean, std, _LetterEncoder(), tmp_path)
        with pytest.raises(PlacidError, match=problem):
            evaluator.embed_motions([np.zeros((40, 263)), motion])

    def test_a_missing_or_damaged_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PlacidError, match=r"evaluator\.safetensors cannot be read"):
            load_evaluator(tmp_path)
        (tmp_path / "evaluator.safetensors").write_bytes(b"12345678 nothing")
        with pytest.raises(PlacidError, match=r"evaluator\.safetensors cannot be read"):
            load_evaluator(tmp_path)
