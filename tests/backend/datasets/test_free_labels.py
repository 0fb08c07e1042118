"""What the free data's action names mean."""

import pytest

from backend.datasets import phrases
from backend.datasets.cmu_labels import SPAN_LABELS
from backend.datasets.cmu_labels import actions_of as cmu_actions_of
from backend.datasets.free_labels import _MEANINGS, actions_of


def test_every_meaning_can_be_said():
    for name, actions in _MEANINGS.items():
        assert actions_of(name) == actions
        for action in actions:
            assert len(phrases.templates(action)) >= 6, name
            if action.style:
                assert phrases.modifiers("style", action.style)


def test_so_can_what_cmu_describes():
    described = ("Boxing", "walk, veer left", "prairie dog (human subject)", "sit on stepstool")
    every = [action for text in described for action in cmu_actions_of(text)]
    for action in (*every, *SPAN_LABELS.values()):
        assert phrases.templates(action)


def test_an_unknown_name_is_named():
    with pytest.raises(ValueError, match="'juggle knives' has no meaning"):
        actions_of("juggle knives")


@pytest.mark.parametrize("kind", phrases.kinds())
def test_every_action_has_twelve_wordings_or_is_an_animal(kind):
    texts = set(phrases.templates(phrases.Action(kind)))
    assert len(texts) >= 12 or kind == "animal"
