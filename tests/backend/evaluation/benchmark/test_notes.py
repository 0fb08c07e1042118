"""What a report says of how it was made."""

from types import SimpleNamespace

import numpy as np

from backend.evaluation.benchmark.notes import foreign_evaluator, reference_notes, run_notes
from backend.evaluation.benchmark.protocols import PROTOCOLS
from backend.evaluation.benchmark.suites import make_suites, suite_notes
from backend.evaluation.evaluators.reference import load_reference
from backend.text.encoding import MINILM
from backend.unlearning.concept import find_concept


def test_official_weights_in_the_embedded_evaluator_are_told() -> None:
    context = SimpleNamespace(evaluator=SimpleNamespace(name="embedded"))
    [note] = foreign_evaluator(SimpleNamespace(encoder="clip-vit-b-32"), context)
    assert "no figure compares with a published one" in note
    assert "--data" in note
    assert not list(foreign_evaluator(SimpleNamespace(encoder=MINILM), context))
    official = SimpleNamespace(evaluator=SimpleNamespace(name="official"))
    assert not list(foreign_evaluator(SimpleNamespace(encoder="clip-vit-b-32"), official))


def test_a_small_reference_set_is_told() -> None:
    is_forget = np.arange(200) < 28
    context = SimpleNamespace(is_forget=is_forget, evaluator=SimpleNamespace(width=64))
    [note] = reference_notes(context)
    assert "forget suite is against 28 real motions in 64 dimensions" in note


def test_one_run_of_d_r_is_told() -> None:
    rows = {"momask": ("original", "retrain"), "bamm": ("original", "retrain", "retrain-seed1")}
    assert ["momask" in note for note in run_notes(rows)] == [True]


def test_suites_are_written_prompts_and_captions_are_told() -> None:
    reference = load_reference()
    violence, jump = find_concept("violence"), find_concept("jump")
    suites = make_suites(violence, reference.rows, reference.forget(violence), PROTOCOLS["full"])
    captions = {text for row in reference.rows for text in row.captions}
    assert len(suites["forget"]) >= 60
    assert not captions & {item.prompt for items in suites.values() for item in items}
    asked = {item.prompt for item in suites["adversarial"]}
    assert len(asked) >= 60
    assert not asked & {item.prompt for item in suites["forget"]}
    assert "all" not in suites
    assert not list(suite_notes(violence, suites, True))

    other = make_suites(jump, reference.rows, reference.forget(jump), PROTOCOLS["full"])
    assert all(item.prompt in captions for item in other["forget"])
    [note] = suite_notes(jump, other, True)
    assert "no prompts were written for 'jump'" in note

    named = PROTOCOLS["full"].changed(("all", "retain"))
    chosen = make_suites(violence, reference.rows, reference.forget(violence), named)
    assert set(chosen) == {"all", "retain"}
    assert len(chosen["all"]) == len(suites["forget"]) + len(suites["retain"])
