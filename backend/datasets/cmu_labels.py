"""What the descriptions of the CMU index mean, as actions."""

import re
from typing import Final

from backend.datasets.actions import Action

# The first pattern found in the lower-case description decides; the order matters.
_RULES: Final[tuple[tuple[str, tuple[Action, ...]], ...]] = tuple(
    (pattern, actions if isinstance(actions, tuple) else (actions,))
    for pattern, actions in (
        # fighting
        (r"^boxing", Action("boxing")),
        (r"^punch/strike", Action("punch")),
        (r"^oiduki", Action("punch", variant="lunge")),
        (r"front kick", Action("kick", variant="front")),
        (r"mawashigeri", Action("kick", variant="roundhouse")),
        (r"yokogeri", Action("kick", variant="side")),
        (r"jump kick", Action("kick", variant="jump")),
        (r"^empi|heiansyodan", Action("karate", variant="kata")),
        (r"gedanbarai|syutouuke", Action("karate", variant="block")),
        (r"swordplay", Action("sword")),
        # running
        (r"run/jog, sudden stop|run to quick stop", (Action("run"), Action("stop"))),
        (r"run stop run|quick stop run", (Action("run"), Action("stop"), Action("run"))),
        (r"run jump stop run", (Action("run"), Action("jump"), Action("run"))),
        (r"run dive over roll run", (Action("run"), Action("roll"), Action("run"))),
        (r"run jump over", (Action("run"), Action("jump", variant="over"))),
        (r"run duck underneath", (Action("run"), Action("duck"))),
        (r"run over", (Action("run"), Action("step_over"))),
        (r"run, leap", (Action("run"), Action("jump", variant="leap"))),
        (r"run side step left", (Action("run"), Action("side_step_left"))),
        (r"run side step right", (Action("run"), Action("side_step_right"))),
        (r"run turn right", (Action("turn_right", variant="run"), Action("run"))),
        (r"run.* left", Action("turn_left", variant="run")),
        (r"run.* right", Action("turn_right", variant="run")),
        (r"walk to run", (Action("walk_forward"), Action("run"))),
        (r"^run", Action("run")),
        # walking
        (r"walk, veer left", Action("turn_left", variant="slight")),
        (r"walk, veer right", Action("turn_right", variant="slight")),
        (r"walk, 90-degree left", Action("turn_left")),
        (r"walk, 90-degree right", Action("turn_right")),
        (r"slow walk, stop", (Action("walk_forward", speed="slow"), Action("stop"))),
        (r"slow walk", Action("walk_forward", speed="slow")),
        (r"brisk walk", Action("walk_forward", speed="fast")),
        (r"uneven terrain", Action("walk_forward", variant="uneven")),
        (r"exaggerated stride|walk/stride", Action("walk_forward", variant="stride")),
        (r"^navigate", Action("walk_around")),
        (r"start (walk|hop|duck)", Action("dance", variant="jackson")),
        (r"^jump stop", (Action("jump"), Action("dance", variant="jackson"))),
        (r"^walk", Action("walk_forward")),
        # jumping and acrobatics
        (r"high jump", Action("jump", variant="high")),
        (r"playground - forward jumps", Action("jump", variant="repeated")),
        (r"forward jump", Action("jump", variant="forward")),
        (r"jump up and down", Action("jump", variant="repeated")),
        (r"jump up to grab", Action("reach_up")),
        (r"jump, balance", (Action("jump"), Action("balance"))),
        (r"^jump$", Action("jump")),
        (r"^cartwheel", Action("cartwheel")),
        (r"backflip", Action("flip", variant="backflip")),
        (r"side flip", Action("flip", variant="side")),
        (r"hand spring", Action("handspring")),
        (r"acrobatics", Action("spin", variant="rope")),
        (r"balance on one leg", Action("balance")),
        (r"playground", Action("climb")),
        (r"climb ladder", Action("climb", variant="ladder")),
        (r"climb 3 steps", Action("climb", variant="steps")),
        # dance, pantomime and daily life
        (r"static dance pose|dance", Action("dance", variant="modern")),
        (r"dribble, shoot|dribble", Action("basketball")),
        (r"basketball signals", Action("signals")),
        (r"bend over, scoop up", Action("pick_up")),
        (r"wash self", Action("wash_self")),
        (r"wash windows", Action("wash_windows")),
        (r"mop floor", Action("mop")),
        (r"drink soda", Action("drink")),
        (r"^laugh", Action("laugh")),
        (r"direct traffic", Action("direct_traffic")),
        (r"sit on", Action("sit")),
        (r"range of motion", Action("warm_up")),
        (r"motorcycle", Action("ride_pose")),
        (r"nursery rhyme|alaskan vacation", Action("tell_story")),
    )
)

# Labels of the spans that a published annotation of six exercise recordings gives.
SPAN_LABELS: Final = {
    "JumpJack": Action("jumping_jack"),
    "Twist": Action("twist"),
    "ArmCircle": Action("arm_circles"),
    "ToeTouchOneHand": Action("toe_touch"),
    "ToeTouchTwoHands": Action("toe_touch", side="both"),
    "KneeRaise": Action("knee_raise"),
    "Squat": Action("squat"),
    "Jog": Action("jog_in_place"),
    "SideBend": Action("side_bend"),
    "SideReach": Action("side_reach"),
    "UpDown": Action("up_down"),
    "Box": Action("boxing"),
}

_ANIMAL: Final = re.compile(r"^([\w ]+?) \(human subject\)")


def actions_of(description: str) -> tuple[Action, ...]:
    """The actions, in order, that a description of the CMU index stands for.

    Raises:
        ValueError: when no rule knows the description.
    """
    text = description.lower()
    animal = _ANIMAL.match(text)
    if animal:
        return (Action("animal", variant=animal[1]),)
    for pattern, actions in _RULES:
        if re.search(pattern, text):
            return actions
    raise ValueError(f"the description {description!r} matches no rule of cmu_labels.py")
