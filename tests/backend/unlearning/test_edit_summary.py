"""What an edit changed, in words: as the weights show it."""

from pathlib import Path

import pytest

from backend.checkpoints.loading import EMBEDDED, load_checkpoint
from backend.unlearning.application import apply_edit, apply_edits
from backend.unlearning.edit import Edit
from backend.unlearning.edit_store import EDITS
from backend.unlearning.summary import records, summarise
from shared.motion.safety import Label


@pytest.fixture(scope="module")
def weights():
    return load_checkpoint(EMBEDDED).networks


@pytest.mark.parametrize("path", sorted(EDITS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_every_shipped_edit_says_what_it_changed(path: Path, weights) -> None:
    edit = Edit.load(path)
    with apply_edit(edit, weights) as applied:
        lines = summarise(applied.effects)
    assert len(lines) == len({patch.network for patch in edit.patches})
    assert all(line.startswith(f"{edit.concept}: ") for line in lines)
    if edit.method == "lcr":
        codes = sum(len(patch.rows) for patch in edit.patches if patch.rows is not None)
        assert f"{codes} motion codes of the decoder replaced" in lines[0]


@pytest.mark.parametrize(
    ("strength", "words", "safety"),
    [
        (0.0, "nothing is forgotten, at strength 0", "off"),
        (1e-9, "nothing is forgotten, at strength 1e-09", "off"),
        (0.01, "motion codes of the decoder moved 1% of the way", "lcr"),
        (0.5, "motion codes of the decoder moved 50% of the way", "lcr"),
        (1.0, "motion codes of the decoder replaced", "lcr"),
        (2.0, "motion codes of the decoder moved 200% of the way", "lcr"),
    ],
)
def test_a_label_tells_the_effect(weights, strength, words, safety) -> None:
    edit = Edit.load(EDITS / "momask-lcr-violence.safetensors")
    with apply_edit(edit, weights, strength) as applied:
        label = Label.of("lcr", records(applied.effects))
        (line,) = summarise(applied.effects)
    assert words in line
    assert label.safety == safety
    assert label.concepts == (("violence",) if strength >= 1 else ())
    partly = {"violence": strength} if 0.005 < strength < 0.95 else {}
    assert label.partly == pytest.approx(partly)
    assert [record.hash for record in label.edits] == ([edit.hash] if safety == "lcr" else [])


@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_shipped_edits_do_not_undo_one_another(model, weights) -> None:
    files = [
        path for path in sorted(EDITS.glob(f"{model}-*.safetensors")) if "retrain" not in path.stem
    ]
    edits = [Edit.load(path) for path in files]
    for first in edits:
        for second in edits:
            with apply_edits([(first, 1.0), (second, 1.0)], weights) as applied:
                assert min(effect.share for effect in applied.effects) > 0.4


def test_nothing_was_changed_without_an_edit() -> None:
    assert summarise([]) == []
    assert Label.of("lcr", []).safety == "off"
