"""What the descriptions of the CMU index are taken for."""

import pytest

from backend.datasets import phrases
from backend.datasets.actions import Action
from backend.datasets.cmu_labels import _RULES, SPAN_LABELS, actions_of


@pytest.mark.parametrize(
    ("description", "actions"),
    [
        ("boxing", [Action("boxing")]),
        ("Punch/Strike", [Action("punch")]),
        ("mawashigeri", [Action("kick", variant="roundhouse")]),
        ("run jump stop run", [Action("run"), Action("jump"), Action("run")]),
        ("run/jog", [Action("run")]),
        ("walk", [Action("walk_forward")]),
        ("walk, 90-degree left turn", [Action("turn_left")]),
        ("slow walk, stop", [Action("walk_forward", speed="slow"), Action("stop")]),
        ("walk to run", [Action("walk_forward"), Action("run")]),
        ("jump up to grab, reach for", [Action("reach_up")]),
        ("forward jump", [Action("jump", variant="forward")]),
        ("monkey (human subject)", [Action("animal", variant="monkey")]),
        ("cat running (human subject)", [Action("animal", variant="cat running")]),
    ],
)
def test_the_special_is_recognised_before_the_general(
    description: str, actions: list[Action]
) -> None:
    assert list(actions_of(description)) == actions


def test_an_unknown_description_is_named() -> None:
    with pytest.raises(ValueError, match="'Knitting' matches no rule"):
        actions_of("Knitting")


def test_every_label_has_wordings() -> None:
    used = {action for _, actions in _RULES for action in actions} | set(SPAN_LABELS.values())
    for action in used:
        assert action.kind in phrases.kinds(), action
        if action.variant is not None:
            own = phrases.variants(action.kind)
            assert action.variant in own or "any" in own, action
