import zlib
from dataclasses import replace

import numpy as np
import pytest

from backend.assets import ASSETS
from backend.datasets.actions import Action
from backend.text.known_actions import KNOWN_FILE, Calibration, KnownActions, stem
from backend.training.knowledge import (
    area_under_curve,
    calibrate,
    gather,
    labelled_prompts,
    trained_actions,
)
from shared.errors import PlacidError
from shared.motion.understanding import Understanding, understanding_in

WIDTH = 256


def encode(texts):
    """Vectors that are near where two texts share words."""
    vectors = np.full((len(texts), WIDTH), 1e-3)
    for vector, text in zip(vectors, texts, strict=True):
        for word in text.lower().split():
            vector[zlib.crc32(stem(word).encode()) % WIDTH] += 1.0
    return vectors


@pytest.fixture(scope="module")
def known():
    actions = [Action("walk_forward"), Action("jump"), Action("jump", variant="high")]
    return replace(
        gather([*actions, Action("wave")], "bag of words", encode),
        calibration=Calibration(-6.0, 12.0, -4.0, 0.5),
    )


def test_every_sort_of_action_is_listed_with_a_prompt(known):
    names = {action.name: action.example for action in known.actions}
    assert set(names) == {"walk forward", "jump", "jump: high", "wave"}
    for example in names.values():
        assert known.judge(example, encode).known, example


@pytest.mark.parametrize("prompt", ["a person walks forward", "someone is waving", "jump"])
def test_what_was_trained_is_known(known, prompt):
    found = known.judge(prompt, encode)
    assert found.known
    assert found.warning == ""
    assert len(set(found.nearest)) == 3


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("a man plays golf outdoors", "golf"),
        ("a person walks forward, then he bakes gingerbread", "he bakes gingerbread"),
        ("eine Frau backt Kuchen", "eine Frau backt Kuchen"),
        ("asdf qwer", "asdf qwer"),
        ("???", "???"),
    ],
)
def test_a_warning_names_what_is_not_known_and_what_is_near(known, prompt, asked):
    found = known.judge(prompt, encode)
    assert not found.known
    assert found.warning == f"Placid does not know {asked!r}; nearest: {found.nearest[0]!r}"


def test_a_prompt_is_as_known_as_its_least_known_part(known):
    parts = known.parts("a person walks forward, then bakes gingerbread")
    scores = [known.judge(part, encode).score for part in parts]
    whole = known.judge("a person walks forward, then bakes gingerbread", encode)
    assert whole.score == min(scores)
    assert known.judge_parts(parts, encode).score == min(scores)


def test_a_file_gives_back_what_was_written(known, tmp_path):
    known.save(tmp_path / KNOWN_FILE)
    again = KnownActions.load(tmp_path / KNOWN_FILE)
    assert again.actions == known.actions
    assert again.vocabulary == known.vocabulary
    np.testing.assert_allclose(again.vectors, known.vectors, atol=0.02)
    for prompt in ("a person waves", "a man plays golf"):
        assert again.judge(prompt, encode).known == known.judge(prompt, encode).known


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    path = tmp_path / KNOWN_FILE
    path.write_bytes(content)
    with pytest.raises(PlacidError, match="backend train known"):
        KnownActions.load(path)
    with pytest.raises(PlacidError, match="backend train known"):
        KnownActions.load(tmp_path / "absent.npz")


def test_the_shipped_file_lists_what_its_model_was_trained_on():
    shipped = KnownActions.load(ASSETS / "embedded" / KNOWN_FILE)
    assert len(shipped.actions) > 40
    assert len({action.name for action in shipped.actions}) == len(shipped.actions)
    assert 0.0 < shipped.calibration.limit < 1.0
    assert len(shipped.vectors) == len(shipped.texts)


def test_only_what_is_shown_long_enough_is_trained(prepared_clip):
    clips = [prepared_clip("walk_forward", 300), prepared_clip("wave", 100)]
    assert trained_actions(clips, 10.0) == [Action("walk_forward")]
    assert set(trained_actions(clips, 1.0)) == {Action("walk_forward"), Action("wave")}


@pytest.fixture
def prepared_clip():
    from backend.datasets.preparation import PreparedClip
    from backend.datasets.sources import Segment

    def make(kind, frames):
        segments = (Segment(0, frames, Action(kind)),)
        return PreparedClip(kind, "made", "train", "plain", np.zeros((frames, 263)), segments)

    return make


def test_halves_share_no_prompt_and_no_unknown_subject():
    labelled = labelled_prompts(["walk_forward", "jump", "wave", "dance"])
    assert len(set(labelled.prompts)) == len(labelled.prompts)
    for known_ones in (True, False):
        for half in (True, False):
            assert ((labelled.known == known_ones) & (labelled.chooses == half)).sum() >= 10


def test_no_validation_prompt_is_a_training_wording():
    from backend.datasets.captions import vocabulary
    from backend.evaluation.prompts import load_suite, suite_names

    prompts = labelled_prompts(["walk_forward"]).prompts
    assert len(prompts) >= 300
    suites = {p for name in suite_names() for part in load_suite(name).values() for p in part}
    assert not suites & set(prompts)
    assert [text for text in prompts if vocabulary().knows_all(text)] == []


def test_calibrating_tells_known_from_unknown(known):
    labelled = labelled_prompts(["walk_forward", "jump", "wave"])
    fitted, figures = calibrate(known, labelled, encode)
    assert fitted.calibration.closeness > 0 > fitted.calibration.unmet
    assert figures["area under the curve"] > 0.7
    assert 0.0 < fitted.calibration.limit < 1.0


def test_area_under_the_curve():
    known = np.array([True, True, False, False])
    assert area_under_curve(np.array([0.9, 0.8, 0.2, 0.1]), known) == 1.0
    assert area_under_curve(np.array([0.9, 0.1, 0.1, 0.1]), known) == 0.75
    assert area_under_curve(np.zeros(4), known) == 0.5


def test_a_provenance_carries_what_is_understood():
    understanding = Understanding(0.2, 0.5, "golf", ("swings a racket", "throws"))
    told = understanding.put_into({"model": "momask"})
    assert told["model"] == "momask"
    assert understanding_in(told) == understanding
    assert understanding_in({}) is None
    assert understanding_in({"understanding": {"score": "high"}}) is None


def test_a_long_prompt_is_shortened_in_the_warning():
    warning = Understanding(0.1, 0.5, "word " * 40, ("waves",)).warning
    assert len(warning) < 120
    assert "…" in warning
