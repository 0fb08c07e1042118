import dataclasses

import numpy as np
import pytest

from backend.engines.torch_engine import editable
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods import lcr
from backend.unlearning.methods.lcr import LCRParameters
from backend.unlearning.statistics import codebook_hash, codebooks_of, count_codes

CONCEPT = Concept("kick", ("kick",))
CODES = 32


@pytest.fixture
def statistics(networks):
    """Forget samples live on codes 0 to 7, retain samples on 6 to 31."""
    rng = np.random.default_rng(0)
    forget = rng.integers(0, 8, (40, 6, 6))
    retain = rng.integers(6, CODES, (200, 6, 6))
    is_forget = np.arange(240) < 40
    ids = np.concatenate([forget, retain])
    return count_codes(
        "kick", ids, is_forget, CODES, codebook_hash=codebook_hash(editable(networks))
    )


def test_marking_codes_are_found(networks, statistics):
    edit = lcr.fit(editable(networks), CONCEPT, statistics, LCRParameters(k=6, target=20))
    assert edit.provenance["removed_codes"] == [[0, 1, 2, 3, 4, 5]]
    assert edit.provenance["target_code"] == 20
    assert edit.patches[0].rows.tolist() == [0, 1, 2, 3, 4, 5]


def test_rare_codes_can_be_left_alone():
    forget, retain = np.array([1, 9, 5, 0]), np.array([0, 3, 5, 9])
    assert lcr.select_codes(forget, retain, 1) == [0]
    assert lcr.select_codes(forget, retain, 1, min_forget=2) == [1]
    assert lcr.select_codes(forget, retain, 3, min_forget=6) == [1]


def test_same_seed_same_edit(networks, statistics):
    def values(seed):
        parameters = LCRParameters(k=4, layers=2, seed=seed)
        return lcr.fit(editable(networks), CONCEPT, statistics, parameters).patches[1].values

    assert np.array_equal(values(3), values(3))
    assert not np.array_equal(values(3), values(4))


def test_target_that_is_removed_is_drawn_anew(networks, statistics):
    targets = set()
    for seed in range(20):
        edit = lcr.fit(
            editable(networks), CONCEPT, statistics, LCRParameters(k=6, target=0, seed=seed)
        )
        targets.add(edit.provenance["target_code"])
    assert len(targets) > 1
    assert targets.isdisjoint(range(6))


def test_without_noise_codes_become_the_target(networks, statistics):
    codebook = codebooks_of(editable(networks))[0]
    edit = lcr.fit(
        editable(networks), CONCEPT, statistics, LCRParameters(k=6, target=20, alpha=0.0)
    )
    assert np.array_equal(edit.patches[0].values, np.tile(codebook[20], (6, 1)))


def test_nearest_moves_to_safe_codes_in_use(networks, statistics):
    codebook = codebooks_of(editable(networks))[0]
    parameters = dataclasses.replace(lcr.PRESETS["nearest"], k=6)
    edit = lcr.fit(editable(networks), CONCEPT, statistics, parameters)
    safe = lcr.safe_codes(statistics.forget[0], statistics.retain[0], range(6))
    # 6 and 7 occur in a larger share of the forget samples: not replaced, but no refuge either.
    assert safe == list(range(8, CODES))
    distances = np.linalg.norm(codebook[:6, None] - codebook[None, safe], axis=-1)
    wanted = codebook[[safe[i] for i in distances.argmin(axis=1)]]
    assert np.array_equal(edit.patches[0].values, wanted)


def test_orth_removes_the_common_direction(networks, statistics):
    codebook = codebooks_of(editable(networks))[0]
    edit = lcr.fit(
        editable(networks), CONCEPT, statistics, dataclasses.replace(lcr.PRESETS["orth"], k=6)
    )
    direction = codebook[:6].mean(axis=0)
    direction /= np.linalg.norm(direction)
    np.testing.assert_allclose(edit.patches[0].values @ direction, np.zeros(6), atol=1e-5)


def test_lists_of_several_concepts_may_repeat_codes(networks):
    edit = lcr.fit_codes(editable(networks), "two", [[3, 9, 9, 5]], LCRParameters())
    assert edit.patches[0].rows.tolist() == [3, 5, 9]
    assert edit.provenance["removed_codes"] == [[3, 9, 9, 5]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 0}, "k must be 1 to 31"),
        ({"k": 32}, "k must be 1 to 31"),
        ({"layers": 7}, "layers must be 1 to 6"),
        ({"target": 32}, "target must be 0 to 31"),
        ({"min_forget": 41}, "no code of layer 0 occurs in 41 forget samples"),
    ],
)
def test_unusable_parameters_are_refused(networks, statistics, changes, message):
    with pytest.raises(UnlearningError, match=message):
        lcr.fit(editable(networks), CONCEPT, statistics, LCRParameters(**changes))


def test_statistics_of_other_codebooks_or_one_kind_are_refused(networks, statistics):
    empty = dataclasses.replace(statistics, forget_samples=0)
    with pytest.raises(UnlearningError, match="both kinds are needed"):
        lcr.fit(editable(networks), CONCEPT, empty, LCRParameters())
    networks["rvq"].quantizer.layers[2].codebook += 1
    with pytest.raises(UnlearningError, match="count the codes again with this model"):
        lcr.fit(editable(networks), CONCEPT, statistics, LCRParameters())


def test_replacing_every_code_or_unknown_layers_is_refused(networks):
    with pytest.raises(UnlearningError, match="use a smaller k"):
        lcr.fit_codes(editable(networks), "all", [range(CODES)], LCRParameters())
    with pytest.raises(UnlearningError, match="no safe code is left"):
        lcr.fit_codes(editable(networks), "one", [[1]], lcr.PRESETS["nearest"], safe=[[]])
    with pytest.raises(UnlearningError, match="the quantiser has 6"):
        lcr.fit_codes(editable(networks), "deep", [[1]] * 7, LCRParameters())


def test_agreement_of_two_statistics(statistics):
    parameters = LCRParameters(k=6, layers=2)
    same = lcr.agreement(statistics, statistics, parameters)
    assert (same.jaccard, same.precision) == (1.0, 1.0)
    # Shifted by three codes, 3 to 8 are selected instead of 0 to 5.
    shifted = dataclasses.replace(
        statistics, forget=np.roll(statistics.forget, 3, 1), retain=np.roll(statistics.retain, 3, 1)
    )
    found = lcr.agreement(statistics, shifted, parameters)
    assert found.jaccard == pytest.approx(3 / 9)
    assert found.precision == pytest.approx(3 / 6)
    # Two random choices of 6 of 32 codes share 36/32 on average.
    assert found.chance == pytest.approx((36 / 32) / (12 - 36 / 32))


def test_counts_of_other_codebooks_are_not_compared(statistics):
    first = dataclasses.replace(statistics, codebook_hash="aa", source="a run")
    second = dataclasses.replace(statistics, codebook_hash="bb", source="generations")
    with pytest.raises(UnlearningError, match="generations were counted with other codebooks"):
        lcr.agreement(first, second, LCRParameters(k=6))
