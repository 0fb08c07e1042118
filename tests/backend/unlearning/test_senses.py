"""Words for violence where they mean something else, and where they do not."""

import pytest

from backend.unlearning.concept import Concept, builtin_concepts, find_concept
from backend.unlearning.senses import harmless_words
from shared.concepts import VIOLENCE, VIOLENT_PARTS

CONCEPTS = builtin_concepts()
VIOLENT = CONCEPTS["violence"]


@pytest.mark.parametrize(
    "caption",
    [
        "a person strikes a pose",
        "someone is striking a dance pose",
        "She STRUCK a heroic pose.",
        "he hits the road",
        "a man hits the gym",
        "a man beats eggs in a bowl",
        "a person is beating the eggs",
        "the clock strikes twelve",
        "it strikes one, and he wakes up",
        "he dances to the beats of a drum",
        "she shoots hoops",
        "a man carries two boxes",
        "he picks up the heavy boxes",
        "he kicks off his shoes",
        "he punches a ticket",
        "a man drinks fruit punch",
        "she fights back tears",
        "he has a heart attack",
    ],
)
def test_harmless_senses_are_not_violence(caption):
    assert not VIOLENT.matches(caption)
    assert not any(CONCEPTS[part].matches(caption) for part in VIOLENT_PARTS)


@pytest.mark.parametrize(
    "caption",
    [
        "a person strikes a pose and kicks",
        "a person kicks, then strikes a pose",
        "he strikes and kicks a pose",
        "he strikes his opponent in a pose",
        "he strikes someone's pose",
        "he hits him on the road",
        "he hits a man with boxes",
        "he beats a man up with eggs",
        "he strikes two opponents",
        "he strikes twice",
        "lightning strikes of the fist",
        "he boxes",
        "he boxes with the boxes",
        "a combination of punches",
        "he punches a hole in the wall",
        "he kicks back",
        "he shoots a gun at the hoop",
        "he throws a hook up to the chin",
        "he takes a stab at the man",
    ],
)
def test_violence_in_like_words_stays_violence(caption):
    assert VIOLENT.matches(caption)


def test_only_the_marked_word_is_passed_over():
    text = "he strikes a pose"
    assert [text[slice(*span)] for span in harmless_words(text)] == ["strikes"]
    # Who names the whole phrase means it.
    assert find_concept("strikes a pose").matches(text)
    assert not find_concept("strike,").matches(text)


def test_substrings_as_published_know_no_senses():
    assert VIOLENT.as_published("HumanML3D").matches("a man beats eggs")
    assert VIOLENT.as_published("HumanML3D").matches("a person kicks off the shoes")
    assert Concept("x", ("strike",), match="substring").matches("strikes a pose")


def test_the_parts_of_violence_are_those_that_ship():
    """`shared` names them for front ends, which do not read the concepts' files."""
    assert {VIOLENCE, *VIOLENT_PARTS} <= CONCEPTS.keys()
    violent = {
        name
        for name, concept in CONCEPTS.items()
        if sum(map(VIOLENT.matches, concept.forget_prompts)) > len(concept.forget_prompts) / 2
    }
    assert violent == {VIOLENCE, *VIOLENT_PARTS}


def test_labels_of_the_embedded_reference_agree_with_the_concepts():
    from backend.evaluation.evaluators.reference import load_reference

    for row in load_reference().rows:
        found = [n for n, concept in CONCEPTS.items() if any(map(concept.matches, row.captions))]
        assert list(row.concepts) == found, row.captions
