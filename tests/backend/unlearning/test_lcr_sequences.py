"""LCR on sequences meets runs of codes, where LCR can only move the codes they are made of."""

import dataclasses

import numpy as np
import pytest

from backend.engines.protocol import codebook_key
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.fit import find_sequences
from backend.unlearning.methods import lcr_sequences
from backend.unlearning.methods.lcr_sequences import KEY, SequenceParameters, windows
from backend.unlearning.registry import find_method
from backend.unlearning.statistics import codebook_hash, count_codes
from backend.unlearning.token_sequences import CountedSequences, TokenSequences
from backend.unlearning.weights import ArrayNetwork

CODES, WIDTH, OUTPUTS = 40, 40, 9
CONCEPT = Concept("kick", ("kick",))
# Codes 0 to 4 make strikes, the others safe motion; 5 and 6 are in both.
STRIKE, SAFE = np.arange(7), np.arange(5, CODES)
PARAMETERS = SequenceParameters(limit=0.3, k=5, min_forget=2, preserve=5.0, ridge=1e-3, smooth=1)


@pytest.fixture
def networks():
    rng = np.random.default_rng(0)
    arrays = {codebook_key(q): rng.normal(size=(CODES, WIDTH)) / (q + 1) for q in range(2)}
    arrays[KEY] = rng.normal(size=(OUTPUTS, WIDTH, 3))
    return {"rvq": ArrayNetwork({k: v.astype(np.float32) for k, v in arrays.items()})}


@pytest.fixture
def data(networks):
    rng = np.random.default_rng(1)
    forget, retain = (
        np.stack([rng.choice(codes, (count, 12)), rng.integers(-1, CODES, (count, 12))], -1)
        for codes, count in ((STRIKE, 30), (SAFE, 60))
    )
    own = codebook_hash(networks)
    ids = np.concatenate([forget, retain])
    counts = count_codes("kick", ids, np.arange(90) < 30, CODES, None, "drawn", own)
    shorts = forget.astype(np.int16), retain.astype(np.int16)
    return CountedSequences(TokenSequences("kick", *shorts, "drawn", own, ("kick",)), counts)


def _read(networks, ids):
    vectors = lcr_sequences._vectors([networks["rvq"].read(codebook_key(q)) for q in range(2)], ids)
    weight = networks["rvq"].read(KEY)
    return windows(vectors, 3) @ weight.transpose(0, 2, 1).reshape(OUTPUTS, -1).T


def test_a_window_is_what_the_layer_sees():
    import torch

    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(2, 7, WIDTH))
    weight = rng.normal(size=(OUTPUTS, WIDTH, 3))
    seen = torch.nn.functional.conv1d(
        torch.from_numpy(vectors.transpose(0, 2, 1)), torch.from_numpy(weight), padding=1
    )
    flat = weight.transpose(0, 2, 1).reshape(OUTPUTS, -1)
    np.testing.assert_allclose(windows(vectors, 3) @ flat.T, seen.numpy().transpose(0, 2, 1))


def test_violent_runs_move_further_than_safe_ones(networks, data):
    edit = lcr_sequences.fit(networks, CONCEPT, data, PARAMETERS)
    method = find_method("lcr_sequences")
    assert all(method.may_change(patch) for patch in edit.patches)
    kinds = data.sequences.forget, data.sequences.retain
    before = [_read(networks, ids) for ids in kinds]
    with apply_edit(edit, networks):
        after = [_read(networks, ids) for ids in kinds]
    moved = [
        np.linalg.norm(a - b, axis=-1).mean() / np.linalg.norm(b, axis=-1).mean()
        for a, b in zip(after, before, strict=True)
    ]
    assert moved[0] > 2 * moved[1] > 0
    assert np.array_equal(_read(networks, kinds[0]), before[0])


def test_a_stronger_pull_of_what_is_kept_moves_it_less(networks, data):
    moved = []
    for preserve in (0.0, 20.0):
        parameters = dataclasses.replace(PARAMETERS, preserve=preserve)
        before = _read(networks, data.sequences.retain)
        with apply_edit(lcr_sequences.fit(networks, CONCEPT, data, parameters), networks):
            moved.append(np.abs(_read(networks, data.sequences.retain) - before).mean())
    assert moved[1] < moved[0]


def test_a_mean_over_time_keeps_what_does_not_change():
    still = np.repeat(np.arange(6.0)[None, None], 9, axis=1)
    np.testing.assert_allclose(lcr_sequences.smoothed(still, 5), still)
    steps = np.array([0.0, 0.0, 3.0, 3.0])[None, :, None]
    np.testing.assert_allclose(lcr_sequences.smoothed(steps, 3)[0, :, 0], [0, 1, 2, 3])


def test_sequences_are_kept_whole_and_damage_is_told(data, tmp_path):
    path = tmp_path / "kick-sequences.safetensors"
    data.sequences.save(path)
    found = find_sequences(CONCEPT, [tmp_path])
    assert np.array_equal(found.forget, data.sequences.forget)
    assert np.array_equal(found.retain, data.sequences.retain)
    assert (found.source, found.keywords) == ("drawn", ("kick",))
    with pytest.raises(UnlearningError, match="make it again"):
        find_sequences(Concept("kick", ("boot",)), [tmp_path])
    with pytest.raises(UnlearningError, match="statistics sequences --concept punch"):
        find_sequences(Concept("punch", ("punch",)), [tmp_path])
    dataclasses.replace(data.sequences, forget=data.sequences.forget.astype(np.int64)).save(path)
    with pytest.raises(UnlearningError, match="is damaged or of another version"):
        find_sequences(CONCEPT, [tmp_path])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limit": 50.0}, "lower the limit"),
        ({"ridge": 0.0}, "the ridge above 0"),
        ({"preserve": -1.0}, "preserve must be at least 0"),
    ],
)
def test_unusable_parameters_are_refused(changes, message, networks, data):
    with pytest.raises(UnlearningError, match=message):
        lcr_sequences.fit(networks, CONCEPT, data, dataclasses.replace(PARAMETERS, **changes))


def test_other_codebooks_are_refused(networks, data):
    other = dataclasses.replace(data.sequences, codebook_hash="other")
    with pytest.raises(UnlearningError, match="written with codebooks other"):
        lcr_sequences.fit(networks, CONCEPT, CountedSequences(other, data.counts), PARAMETERS)
    counts = dataclasses.replace(data.counts, codebook_hash="")
    with pytest.raises(UnlearningError, match="that nobody noted"):
        lcr_sequences.fit(networks, CONCEPT, CountedSequences(data.sequences, counts), PARAMETERS)
