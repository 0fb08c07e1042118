"""LCR, UCE and RECE against the golden arrays."""

import dataclasses

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import Concept
from backend.unlearning.methods import lcr, rece, uce
from backend.unlearning.statistics import codebook_hash, count_codes
from backend.unlearning.text_embeddings import TextEmbeddings
from tests.goldens import Golden, weight

CONCEPT = Concept("kick", ("kick",))


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("unlearn")


@pytest.fixture(scope="module")
def statistics(golden):
    layers = [
        np.concatenate([golden.array(f"lcr_pos_codes_l{i}"), golden.array(f"lcr_neg_codes_l{i}")])
        for i in (0, 1)
    ]
    is_forget = np.arange(len(layers[0])) < len(golden.array("lcr_pos_codes_l0"))
    return count_codes("kick", np.stack(layers, axis=2), is_forget, golden.config["nb_code"])


@pytest.mark.parametrize("layer", [0, 1])
def test_counts_and_scores(golden, statistics, layer):
    golden.check(f"lcr_kick_count_l{layer}", statistics.forget[layer])
    golden.check(f"lcr_rest_count_l{layer}", statistics.retain[layer])
    found = lcr.scores(statistics.forget[layer], statistics.retain[layer])
    for name, score in zip(("freqs", "ratios"), found, strict=True):
        wanted = golden.array(f"lcr_{name}_l{layer}")
        np.testing.assert_allclose(score, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("k", [1, 4, 8, 16])
def test_selected_codes(golden, statistics, layer, k):
    forget, retain = statistics.forget[layer], statistics.retain[layer]
    selected = lcr.select_codes(forget, retain, k)
    wanted = golden.array(f"lcr_topk{k}_l{layer}").tolist()
    if golden.array(f"lcr_topk{k}_l{layer}_gap").min() > 0:
        assert selected == wanted
        return
    # A tie at the cut: another choice must score exactly as well.
    by_count, by_frequency = lcr.scores(forget, retain)
    for score in (by_count, by_frequency):
        np.testing.assert_array_equal(np.sort(score[selected]), np.sort(score[wanted]))


CASES = {
    "base": {},
    "alpha": {"alpha": 0.5},
    "two_layers": {"layers": 2},
    "target_removed": {"target": 20},
    "yaml": {},
}


def _codebooks(golden):
    return [golden.array("lcr_codebook_before_l0"), golden.array("lcr_codebook_before_l1")]


def _removed(golden, case):
    counts = golden.array(f"lcr_{case}_removed_per_layer").tolist()
    return [
        part.tolist()
        for part in np.split(golden.array(f"lcr_{case}_removed"), np.cumsum(counts)[:-1])
    ]


@pytest.mark.parametrize("case", CASES)
def test_replaced_codebooks(golden, case):
    alpha = CASES[case].get("alpha", 1.0)
    draws = golden.array(f"lcr_{case}_draws").tolist()
    target = draws[-1] if draws else CASES[case].get("target", 0)
    for layer, codes in enumerate(_removed(golden, case)):
        before = _codebooks(golden)[layer]
        noise = golden.array(f"lcr_{case}_noise{layer}")
        edited = lcr.move_to_target(before, codes, before[target], noise, alpha)
        golden.check(f"lcr_{case}_codebook_l{layer}", edited)


def test_noise_is_scaled_by_the_spread_of_its_layer(golden):
    codes, dim = golden.config["nb_code"], golden.config["code_dim"]
    moved = []
    for layer in range(golden.config["num_quantizers"]):
        key = f"quantizer.layers.{layer}.codebook"
        before = weight(key, (codes, dim), golden.seed)
        nothing, ones = np.zeros(dim, np.float32), np.ones((1, dim), np.float32)
        edited = lcr.move_to_target(before, [3], nothing, ones, 1.0)
        moved.append(edited[3, 0])
    golden.check("lcr_std", np.stack(moved))


@pytest.mark.parametrize(("case", "alpha"), [("orth", 1.0), ("orth_alpha", 2.0)])
def test_orthogonalised_codebooks(golden, case, alpha):
    (codes,) = _removed(golden, case)
    edited = lcr.remove_direction(_codebooks(golden)[0], codes, alpha)
    golden.check(f"lcr_{case}_codebook_l0", edited)


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("base", {"k": 4}),
        ("alpha", {"k": 16}),
        ("two_layers", {"k": 3, "layers": 2}),
        ("orth", {"k": 4, "replacement": "orth"}),
    ],
)
def test_fit_removes_the_golden_codes(golden, statistics, case, changes):
    networks = {"rvq": _tokeniser(golden)}
    statistics = dataclasses.replace(statistics, codebook_hash=codebook_hash(editable(networks)))
    parameters = dataclasses.replace(lcr.LCRParameters(), **changes)
    edit = lcr.fit(editable(networks), CONCEPT, statistics, parameters)
    assert edit.provenance["removed_codes"] == _removed(golden, case)
    if case == "orth":
        with apply_edit(edit, editable(networks)):
            golden.check("lcr_orth_codebook_l0", networks["rvq"].quantizer.layers[0].codebook)


def _tokeniser(golden):
    rvq = torch.nn.Module()
    rvq.quantizer = torch.nn.Module()
    rvq.quantizer.layers = torch.nn.ModuleList()
    for codebook in _codebooks(golden):
        layer = torch.nn.Module()
        layer.register_buffer("codebook", torch.from_numpy(codebook.copy()))
        rvq.quantizer.layers.append(layer)
    return rvq


def _transformers(golden):
    networks = {}
    for index, name in enumerate(("masked", "residual")):
        network = torch.nn.Module()
        network.cond_emb = torch.nn.Linear(golden.config["uce_in"], golden.config["uce_out"])
        with torch.no_grad():
            network.cond_emb.weight.copy_(torch.from_numpy(golden.array(f"uce_w{index}")))
            network.cond_emb.bias.copy_(torch.from_numpy(golden.array(f"uce_b{index}")))
        networks[name] = network
    return networks


@pytest.fixture(scope="module")
def embeddings(golden):
    return TextEmbeddings(
        golden.array("uce_forget"), golden.array("uce_target"), golden.array("uce_retain")
    )


def _check_weights(golden, prefix, networks, rounding=0.0):
    for index, name in enumerate(("masked", "residual")):
        golden.check(f"{prefix}w{index}", networks[name].cond_emb.weight, rounding)


def _inversion_rounding(embeddings, lamb, erase, preserve):
    """What float32 leaves open in the inverse: it differs between processors."""
    forget, retain = (rows.astype(np.float64) for rows in (embeddings.forget, embeddings.retain))
    matrix = lamb * np.eye(embeddings.text_dim)
    matrix = matrix + erase * forget.T @ forget + preserve * retain.T @ retain
    return float(np.linalg.cond(matrix)) * float(np.finfo(np.float32).eps)


UCE_CASES = [
    ("tensor", 0.1, 0.1, 0.1),
    ("replace", 0.1, 0.1, 0.1),
    ("tensor", 0.1, 1, 0.1),
    ("replace", 0.5, 1, 1),
    ("tensor", 0.01, 0.3, 2),
    ("tensor", 0.1, 0.1, 0),
]


@pytest.mark.parametrize("double_bias", [True, False])
@pytest.mark.parametrize(("technique", "lamb", "erase", "preserve"), UCE_CASES)
def test_uce(golden, embeddings, technique, lamb, erase, preserve, double_bias):
    networks = _transformers(golden)
    parameters = uce.UCEParameters(technique, lamb, erase, preserve, double_bias)
    apply_edit(uce.fit(editable(networks), CONCEPT, embeddings, parameters), editable(networks))
    bias = "bias" if double_bias else "nobias"
    rounding = _inversion_rounding(embeddings, lamb, erase, preserve)
    name = f"uce_{technique}_l{lamb}_e{erase}_p{preserve}_{bias}_"
    _check_weights(golden, name, networks, rounding)


def test_uce_of_one_network_leaves_the_other(golden, embeddings):
    networks = _transformers(golden)
    only = {"residual": networks["residual"]}
    apply_edit(
        uce.fit(editable(only), CONCEPT, embeddings, uce.UCEParameters()), editable(networks)
    )
    _check_weights(golden, "uce_layers1_", networks)


@pytest.mark.parametrize("regulariser", [0.001, 0.1])
def test_adversarial_embeddings(golden, regulariser):
    weights = [golden.array(f"uce_w{index}") for index in (0, 1)]
    found = rece.adversarial_embeddings(golden.array("uce_forget"), weights, weights, regulariser)
    for index, embedding in enumerate(found):
        golden.check(f"rece_adv_c{index}_r{regulariser}", embedding[None])


@pytest.mark.parametrize("epochs", [0, 1, 3])
@pytest.mark.parametrize("preserve", [0.1, 1])
def test_rece(golden, embeddings, epochs, preserve):
    networks = _transformers(golden)
    parameters = rece.RECEParameters(preserve=preserve, epochs=epochs)
    apply_edit(rece.fit(editable(networks), CONCEPT, embeddings, parameters), editable(networks))
    _check_weights(golden, f"main_rece_e{epochs}_p{preserve}_", networks)


@pytest.mark.parametrize("preserve", [0.1, 1])
def test_first_step_of_rece_is_uce(golden, embeddings, preserve):
    networks = _transformers(golden)
    parameters = uce.UCEParameters(preserve=preserve)
    apply_edit(uce.fit(editable(networks), CONCEPT, embeddings, parameters), editable(networks))
    _check_weights(golden, f"main_uce_e0_p{preserve}_", networks)
