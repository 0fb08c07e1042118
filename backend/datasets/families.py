"""How often each sort of action is met in training, whatever its minutes."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from backend.datasets import gestures
from backend.datasets.sources import Segment, sources

GESTURES: Final = "gestures"
START_STOP: Final = "start and stop"
REST: Final = "rest"

# Shares of samples, and the kinds that share them.
FAMILIES: Final[Mapping[str, tuple[float, tuple[str, ...]]]] = {
    "walk": (8, ("walk_forward",)),
    "turn": (
        9,
        (
            *("turn_left", "turn_right", "about_turn_left", "about_turn_right"),
            *("walk_circle_left", "walk_circle_right", "walk_curve_left", "walk_curve_right"),
            *("turn_in_place_left", "turn_in_place_right", "walk_winding", "walk_around"),
        ),
    ),
    "backward": (4, ("walk_backward",)),
    "sideways": (
        4,
        ("side_step_left", "side_step_right", "walk_diagonal_left", "walk_diagonal_right"),
    ),
    START_STOP: (4, ()),
    "walk styles": (3, ("march", "sneak", "duck_walk")),
    "run": (5, ("run", "jog_in_place")),
    "jump": (5, ("jump", "hop")),
    "sit and stand up": (5, ("sit_down", "stand_up", "sit", "kneel")),
    "lie and get up": (4, ("lie_down", "lie", "get_up", "fall")),
    "pick up and carry": (6, ("pick_up", "carry", "put_down")),
    "throw": (4, ("throw", "catch")),
    "push": (3, ("push", "pull", "stagger")),
    "wave": (4, ("wave",)),
    "greet": (3, ("greet", "high_five", "shake_hands")),
    "clap": (2, ("clap",)),
    "raise a hand": (3, ("raise_hand", "reach_up")),
    "bow": (2, ("bow",)),
    "dance": (5, ("dance", "spin")),
    "stand and wait": (5, ("stand", "wait")),
    "strikes": (5, ("kick", "punch", "boxing", "karate", "sword", "fight", "slap")),
    "climb": (3, ("climb", "step_over")),
    "crawl": (2, ("crawl",)),
    "exercise": (
        3,
        (
            *("squat", "lunge", "leg_raise", "arm_raise", "arm_rotation", "arm_stretch"),
            *("jumping_jack", "push_up", "sit_up", "warm_up", "twist", "arm_circles"),
            *("toe_touch", "knee_raise", "side_bend", "side_reach", "up_down", "balance"),
        ),
    ),
    "basketball": (3, ("basketball",)),
    "tennis": (2, ("tennis", "table_tennis")),
    GESTURES: (18, ()),
    REST: (3, ()),
}
_FAMILY: Final = {kind: name for name, (_, kinds) in FAMILIES.items() for kind in kinds}
# Variants of walking straight on that are a style.
_STYLED: Final = "walk styles"


def family(source: str, segment: Segment) -> str:
    """The family of a segment of a source."""
    action = segment.action
    last = segment.actions[-1].kind
    if segment.then and ((action.kind == "stand" and len(segment.then) == 1) or last == "stop"):
        return START_STOP
    if action.kind == "walk_forward" and (action.variant or action.style):
        return _STYLED
    if action.kind in _FAMILY:
        return _FAMILY[action.kind]
    return GESTURES if source == gestures.SOURCE else REST


@cache
def source_weight(name: str) -> float:
    """How often a source is met beside others of as many minutes."""
    if name == gestures.SOURCE:
        return gestures.WEIGHT
    known = sources()
    return known[name].weight if name in known else 1.0
