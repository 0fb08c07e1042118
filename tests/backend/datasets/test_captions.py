import numpy as np
import pytest

from backend.datasets import phrases
from backend.datasets.actions import QUALITY_KINDS, VIOLENT_KINDS, Action
from backend.datasets.captions import (
    caption,
    is_training_wording,
    mirror_caption,
    normalise,
    verb_phrases,
)


def captions(actions, count=200, human=()):
    rng = np.random.default_rng(0)
    return {caption(actions, rng, human) for _ in range(count)}


@pytest.mark.parametrize("kind", sorted({*QUALITY_KINDS, *VIOLENT_KINDS}))
def test_every_main_class_has_many_wordings(kind):
    assert len(set(verb_phrases(Action(kind)))) >= 12


@pytest.mark.parametrize("kind", phrases.kinds())
def test_every_wording_can_be_filled_and_is_recognised(kind):
    for variant in (None, *phrases.variants(kind)):
        for side in (None, "left", "right", "both"):
            for text in captions([Action(kind, side=side, variant=variant)], 20):
                assert not set("{}*") & set(text)
                assert is_training_wording(text) or variant == "any", text


def test_captions_vary_and_repeat_with_the_seed():
    texts = captions([Action("walk_forward")])
    assert len(texts) > 100
    assert texts == captions([Action("walk_forward")])


def test_side_style_and_speed_are_said():
    texts = captions([Action("kick", side="left")])
    assert any("left leg" in text for text in texts)
    assert not any("right" in text for text in texts)
    assert any(
        "old" in text or "elderly" in text for text in captions([Action("bow", style="old")])
    )
    slow = captions([Action("walk_forward", speed="slow")])
    assert any("slow" in text for text in slow)


def test_two_actions_are_told_in_order():
    for text in captions([Action("side_step_left"), Action("cartwheel")]):
        assert text.index("left") < text.index("cartwheel")


def test_captions_by_people_are_used_now_and_then():
    texts = captions([Action("dance")], human=["moves like a leaf"])
    assert "moves like a leaf" in texts
    assert len(texts) > 20


@pytest.mark.parametrize(
    ("base", "third", "gerund"),
    [
        ("*run", "runs", "running"),
        ("*dance", "dances", "dancing"),
        ("*punch", "punches", "punching"),
        ("*do", "does", "doing"),
        ("*box", "boxes", "boxing"),
        ("*bow", "bows", "bowing"),
        ("*carry", "carries", "carrying"),
        ("*sway", "sways", "swaying"),
        ("*veer", "veers", "veering"),
        ("*jump and *kick", "jumps and kicks", "jumping and kicking"),
    ],
)
def test_inflection(base, third, gerund):
    assert phrases.inflect(base, "third") == third
    assert phrases.inflect(base, "gerund") == gerund


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("a person turns left", "a person turns right"),
        ("raises the left hand, then the right one", "raises the right hand, then the left one"),
        ("spins counterclockwise", "spins clockwise"),
        ("a left-handed stroke to the LEFT", "a right-handed stroke to the Right"),
        ("moves leftwards, upright", "moves rightwards, upright"),
        ("turns in a bright light", "turns in a bright light"),
    ],
)
def test_mirroring_a_caption(text, mirrored):
    assert mirror_caption(text) == mirrored


def test_mirroring_twice_gives_the_caption_back():
    for text in captions([Action("turn_left"), Action("wave", side="right")]):
        assert mirror_caption(mirror_caption(text)) == text


def test_subject_manner_and_possessive_do_not_make_a_new_wording():
    assert normalise("An elderly man is waving his left hand slowly.") == "waving the left hand"
    assert is_training_wording("the old man happily walks forward")
    assert is_training_wording("She walks forward, then kicks with the right leg!")
    assert not is_training_wording("a person strolls along the beach")


@pytest.mark.parametrize("kinds", [("squat", "kick"), ("jump", "bow", "walk_forward")])
def test_sequences_are_recognised_part_by_part(kinds):
    for text in captions([Action(kind) for kind in kinds], 100):
        assert is_training_wording(text), text
    assert not is_training_wording("a person jumps up and then skateboards")
