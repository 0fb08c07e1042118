"""Training on the retain set, on tiny networks and a tiny token set."""

import dataclasses

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.models.configs import MaskedConfig, ResidualConfig
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.training.loop import TrainingError
from backend.training.retain import RetainTraining
from backend.training.tokens import TokenSet
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import Concept
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods import finetune
from backend.unlearning.methods.finetune import FineTuneParameters

CODES, TEXT_DIM = 12, 8
KICK = Concept("kick", ("kick",))
SIZES = dict(  # noqa: C408
    codes=CODES, code_dim=8, text_dim=TEXT_DIM, width=12, heads=2, ff=16, layers=1
)
SHORT = FineTuneParameters(steps=3, warmup=1)


def _tokens(forget_codes: bool) -> TokenSet:
    """Twenty samples; the odd ones are kicks and consist of the upper codes alone."""
    draw = np.random.default_rng(0)
    ids = draw.integers(0, CODES // 2, (20, 49, 6)).astype(np.int16)
    if forget_codes:
        ids[1::2] += CODES // 2
    return TokenSet(
        ids,
        np.full(20, 6),
        np.tile([[0, 1], [2, 3]], (10, 1)),
        draw.normal(size=(4, TEXT_DIM)).astype(np.float16),
        ["a person walks", "walking", "someone uses a leg", "a person kicks"],
        [["walk"], ["kick"]] * 10,
        np.ones(20, dtype=bool),
    )


@pytest.fixture
def run(tmp_path):
    for split in ("train", "val"):
        _tokens(forget_codes=True).save(tmp_path, split)
    return tmp_path


@pytest.fixture
def model():
    torch.manual_seed(0)
    return {
        "masked": MaskTransformer(MaskedConfig(**SIZES)).eval().requires_grad_(False),
        "residual": ResidualTransformer(ResidualConfig(**SIZES)).eval().requires_grad_(False),
    }


@pytest.mark.parametrize("start", ["base", "new"])
def test_training_gives_a_half_precision_edit_of_the_networks_that_read_text(
    model, run, start, snapshot, tmp_path
):
    before = snapshot(model)
    parameters = dataclasses.replace(SHORT, start=start)
    edit = finetune.fit(editable(model), KICK, RetainTraining(run), parameters)
    assert all(torch.equal(before[key], value) for key, value in snapshot(model).items())
    assert edit.method == ("finetune" if start == "base" else "retrain")
    assert {patch.network for patch in edit.patches} == {"masked", "residual"}
    assert {patch.values.dtype for patch in edit.patches} == {np.dtype(np.float16)}
    changes = [patch.relative_change for patch in edit.patches if patch.values.ndim == 2]
    assert min(changes) > 0
    # New weights have nothing to do with the base; three small steps stay near it.
    assert (max(changes) > 0.5) is (start == "new")
    edit.save(tmp_path / "edit.safetensors")
    with apply_edit(Edit.load(tmp_path / "edit.safetensors"), editable(model)):
        after = snapshot(model)
    assert any(not torch.equal(before[key], value) for key, value in after.items())
    assert all(torch.equal(before[key], value) for key, value in snapshot(model).items())


def test_the_second_fit_resumes_at_the_end_of_the_first(model, run):
    first = finetune.fit(editable(model), KICK, RetainTraining(run), SHORT)
    written = {path: path.stat().st_mtime_ns for path in run.glob("finetune-kick-*/*.log.jsonl")}
    assert len(written) == 2
    second = finetune.fit(editable(model), KICK, RetainTraining(run), SHORT)
    for one, other in zip(first.patches, second.patches, strict=True):
        assert np.array_equal(one.values, other.values)
    assert written == {path: path.stat().st_mtime_ns for path in written}
    # Another base has checkpoints of its own.
    model["masked"].cond_emb.weight += 1
    finetune.fit(editable(model), KICK, RetainTraining(run), SHORT)
    assert len(list(run.glob("finetune-kick-*"))) == 3


def test_what_was_trained_for_a_concept_is_not_another_ones_of_that_name(model, run):
    new = dataclasses.replace(SHORT, start="new")
    for keywords in (("kick",), ("walking",)):
        concept = Concept("kick_it", keywords)
        finetune.fit(editable({"masked": model["masked"]}), concept, RetainTraining(run), new)
    assert len(list(run.glob("retain-kick_it-*"))) == 2


def test_forget_samples_are_never_trained_on(model, run, monkeypatch):
    seen = []
    original = MaskTransformer.loss

    def loss(self, ids, *rest):
        seen.append(ids.max())
        return original(self, ids, *rest)

    monkeypatch.setattr(MaskTransformer, "loss", loss)
    finetune.fit(editable({"masked": model["masked"]}), KICK, RetainTraining(run), SHORT)
    assert len(seen) > 3
    assert max(seen) < CODES // 2


def test_what_cannot_be_trained_is_refused(model, run, tmp_path):
    everything = Concept("all", ("person", "someone"))
    with pytest.raises(TrainingError, match="leaves something to train on"):
        finetune.fit(editable(model), everything, RetainTraining(run), SHORT)
    with pytest.raises(TrainingError, match="backend train tokens"):
        finetune.fit(editable(model), KICK, RetainTraining(tmp_path / "empty"), SHORT)
    with pytest.raises(UnlearningError, match="no network that reads text"):
        finetune.fit({}, KICK, RetainTraining(run), SHORT)
    wrong = dataclasses.replace(SHORT, steps=0)
    with pytest.raises(UnlearningError, match="steps and warmup"):
        finetune.fit(editable(model), KICK, RetainTraining(run), wrong)
