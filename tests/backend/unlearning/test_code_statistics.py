import dataclasses

import numpy as np
import pytest

from backend.engines.torch_engine import editable
from backend.unlearning.errors import UnlearningError
from backend.unlearning.statistics import (
    CodeStatistics,
    codebook_hash,
    codebooks_of,
    count_codes,
)

IDS = np.array([[[0], [0], [3]], [[1], [2], [3]], [[1], [-1], [-1]]])
FORGET = np.array([True, False, False])


def test_counts_samples_not_tokens():
    counts = count_codes("kick", IDS, FORGET, 5)
    assert counts.forget.tolist() == [[1, 0, 0, 1, 0]]
    assert counts.retain.tolist() == [[0, 2, 1, 1, 0]]
    assert (counts.forget_samples, counts.retain_samples) == (1, 2)
    assert counts.count_padding


def test_tokens_past_the_end_can_be_left_out():
    counts = count_codes("kick", IDS, FORGET, 5, lengths=np.array([2, 1, 1]))
    assert counts.forget.tolist() == [[1, 0, 0, 0, 0]]
    assert counts.retain.tolist() == [[0, 2, 0, 0, 0]]
    assert not counts.count_padding


def test_layers_are_counted_apart():
    ids = np.array([[[0, 1], [2, 1]]])
    counts = count_codes("kick", ids, np.array([True]), 3)
    assert counts.forget.tolist() == [[1, 0, 1], [0, 1, 0]]


def test_id_outside_the_codebook_is_refused():
    with pytest.raises(UnlearningError, match="token id 3 is outside the codebook of 3"):
        count_codes("kick", IDS, FORGET, 3)


def test_save_and_load(networks, tmp_path):
    path = tmp_path / "kick.safetensors"
    counts = count_codes(
        "kick", IDS, FORGET, 5, source="made up", codebook_hash=codebook_hash(editable(networks))
    )
    counts.save(path)
    loaded = CodeStatistics.load(path)
    assert np.array_equal(loaded.forget, counts.forget)
    assert np.array_equal(loaded.retain, counts.retain)
    for name in ("concept", "forget_samples", "count_padding", "source", "codebook_hash"):
        assert getattr(loaded, name) == getattr(counts, name)


def test_damaged_counts_are_refused(tmp_path):
    path = tmp_path / "kick.safetensors"
    counts = count_codes("kick", IDS, FORGET, 5)
    for wrong in (counts.forget[:, :4], counts.forget.astype(np.float32), -1 - counts.forget):
        dataclasses.replace(counts, forget=wrong).save(path)
        with pytest.raises(UnlearningError, match="count the codes again"):
            CodeStatistics.load(path)


def test_codebooks_of(networks):
    assert len(codebooks_of(editable(networks))) == 6
    with pytest.raises(UnlearningError, match="give the network 'rvq'"):
        codebooks_of(editable({"masked": networks["masked"]}))
    with pytest.raises(UnlearningError, match="give an RVQ-VAE"):
        codebooks_of(editable({"rvq": networks["masked"]}))
