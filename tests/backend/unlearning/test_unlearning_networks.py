"""Edits on the real networks, in small sizes: they change the outputs they should, and go away."""

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from backend.unlearning.application import apply_edit, apply_edits
from backend.unlearning.concept import find_concept
from backend.unlearning.methods import lcr, rece, uce
from backend.unlearning.statistics import codebook_hash, count_codes
from backend.unlearning.text_embeddings import embed_concept

CODES = 24
TEXT_DIM = 16
SIZES = dict(  # noqa: C408
    codes=CODES, code_dim=12, text_dim=TEXT_DIM, width=24, heads=2, ff=32, layers=1
)
KICK = find_concept("kick")
IDS = torch.arange(CODES).reshape(2, 12)


@pytest.fixture(params=["masked", "bamm"])
def model(request):
    torch.manual_seed(0)
    rvq = RVQVAE(RVQConfig(features=20, codes=CODES, code_dim=12, width=16))
    for layer in rvq.quantizer.layers:
        layer.codebook.normal_()
    if request.param == "masked":
        base = MaskTransformer(MaskedConfig(**SIZES))
    else:
        base = BAMM(BAMMConfig(**SIZES))
    networks = {
        "rvq": rvq,
        request.param: base,
        "residual": ResidualTransformer(ResidualConfig(**SIZES)),
    }
    for network in networks.values():
        network.eval()
    return networks


def encode(texts):
    rows = [np.random.default_rng(sum(map(ord, text))).normal(size=TEXT_DIM) for text in texts]
    return np.array(rows, np.float32)


def _text_token(model, text):
    """What each transformer reads for a prompt, (network, width)."""
    transformers = [network for name, network in model.items() if name != "rvq"]
    with torch.no_grad():
        return torch.stack(
            [network.cond_emb(torch.from_numpy(encode([text])))[0] for network in transformers]
        )


def _decode(model, ids):
    with torch.no_grad():
        return model["rvq"].decode(ids[:, :, None])


def _code_edit(model):
    forget = np.zeros((4, 6, 6), np.int64)
    retain = np.random.default_rng(0).integers(2, CODES, (9, 6, 6))
    forget[:, ::2] = 1
    counts = count_codes(
        "kick",
        np.concatenate([forget, retain]),
        np.arange(13) < 4,
        CODES,
        codebook_hash=codebook_hash(editable(model)),
    )
    return lcr.fit(editable(model), KICK, counts, lcr.LCRParameters(k=2, target=5))


def test_lcr_changes_motions_with_a_removed_code_and_no_others(model):
    first, second = IDS[:1], IDS[1:]
    before = _decode(model, first), _decode(model, second)
    edit = _code_edit(model)
    assert edit.provenance["removed_codes"] == [[0, 1]]
    with apply_edit(edit, editable(model)):
        assert not torch.equal(_decode(model, first), before[0])
        assert torch.equal(_decode(model, second), before[1])
    assert torch.equal(_decode(model, first), before[0])


@pytest.mark.parametrize("method", [uce, rece])
def test_text_edits_move_the_forgotten_prompt_more_than_a_kept_one(model, method):
    forgotten, kept = "kick", KICK.retain_prompts[0]
    before = _text_token(model, forgotten), _text_token(model, kept)
    embeddings = embed_concept(KICK, encode, retain_prompts=KICK.retain_prompts[:4])
    edit = method.fit(editable(model), KICK, embeddings, method.PRESETS["corrected"])
    assert {patch.network for patch in edit.patches} == set(model) - {"rvq"}
    with apply_edit(edit, editable(model)):
        moved = (_text_token(model, forgotten) - before[0]).norm()
        drifted = (_text_token(model, kept) - before[1]).norm()
        assert moved > 5 * drifted
    assert torch.equal(_text_token(model, forgotten), before[0])


def test_a_code_edit_and_a_text_edit_compose(model, snapshot):
    before = snapshot(model)
    embeddings = embed_concept(KICK, encode)
    text_edit = uce.fit(editable(model), KICK, embeddings, uce.PRESETS["published"])
    with apply_edits([(_code_edit(model), 1.0), (text_edit, 0.5)], editable(model)):
        after = snapshot(model)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    base = next(name for name in model if name not in ("rvq", "residual"))
    assert changed == {
        "rvq:quantizer.layers.0.codebook",
        f"{base}:cond_emb.weight",
        "residual:cond_emb.weight",
    }
    restored = snapshot(model)
    assert all(torch.equal(before[key], restored[key]) for key in before)
