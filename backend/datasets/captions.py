"""English captions composed from actions, and captions of mirrored motions."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from backend.datasets import phrases
from backend.datasets.actions import Action
from backend.text.inflection import FORMS, Form
from backend.text.vocabulary import Vocabulary

# Subject, its noun for an adjective to stand before (or none), and its possessive.
_SUBJECTS: Final = (
    ("a person", "person", "their"),
    ("the person", "person", "their"),
    ("a man", "man", "his"),
    ("the man", "man", "his"),
    ("a woman", "woman", "her"),
    ("someone", "", "their"),
    ("somebody", "", "their"),
    ("a human", "human", "their"),
    ("a figure", "figure", "their"),
    ("the figure", "figure", "their"),
    ("he", "", "his"),
    ("she", "", "her"),
    ("a character", "character", "their"),
    ("a human being", "human being", "their"),
    ("person", "person", "their"),
    ("a girl", "girl", "her"),
    ("a boy", "boy", "his"),
    ("an individual", "individual", "their"),
)
_SUBJECT_SHARE: Final = np.array([9, 2, 3, 1, 2, 4, 1, 2, 1, 1, 1, 1, 1, 0.5, 1, 0.5, 0.5, 0.5])
_JOINS: Final = (", then ", " and then ", " and ", ", and then ", ", afterwards ", ", next ")
_NOUN_JOINS: Final = (" followed by ", ", then ", " and then ", " and ")
_SHAPES: Final = ("third", "progressive", "participle", "gerund", "base", "noun", "after")
_SHAPE_SHARE: Final = np.array([0.46, 0.14, 0.10, 0.10, 0.08, 0.08, 0.04])

# How often a known quality is left out, so that plain prompts also reach stylised motions.
_NO_SIDE: Final = 0.15
_NO_STYLE: Final = 0.3
_NO_SPEED: Final = 0.5
_NO_COUNT: Final = 0.3
# How often a number is said by a wording made for it ("takes two jumps") instead of "twice".
_COUNTED: Final = 0.5
# Wordings that say how fast it goes themselves.
_OF_PACE: Final = re.compile(r"pace|speed|slow|fast|quick|hurr|rush")
# Kinds whose number is that of steps.
STEPPED: Final = frozenset({"walk_forward", "walk_backward", "side_step_left", "side_step_right"})
HUMAN_SHARE: Final = 0.5

# How often a caption names somebody who fits the action, and where or when it is done.
_FITTING_SUBJECT: Final = 0.25
_PLACE: Final = 0.25
_OCCASION: Final = 0.15

_ONE_WAY: Final = {
    "left": "right",
    "lefts": "rights",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "counterclockwise": "clockwise",
    "anticlockwise": "clockwise",
    "counter-clockwise": "clockwise",
    "anti-clockwise": "clockwise",
}
_SWAPS: Final = _ONE_WAY | {right: left for left, right in reversed(_ONE_WAY.items())}
_SWAP_WORD: Final = re.compile(
    r"(?<![\w-])(?:" + "|".join(sorted(_SWAPS, key=len, reverse=True)) + r")(?!\w)", re.IGNORECASE
)


def verb_phrases(action: Action) -> list[str]:
    """All third-person wordings of an action with its side, without style and speed."""
    return [
        phrases.inflect(phrases.fill(template, action), "third")
        for template in phrases.templates(action)
    ]


def caption(
    actions: Sequence[Action],
    rng: np.random.Generator,
    human: Sequence[str] = (),
    at_once: bool = False,
) -> str:
    """One caption for actions done one after another.

    Args:
        actions: what is done, in order; at least one.
        rng: decides every choice; the same state gives the same caption.
        human: captions by people for the same motion, taken half of the time.
        at_once: the two actions are done at the same time, the first with the legs.
    """
    if human and rng.random() < HUMAN_SHARE:
        return str(rng.choice(list(human)))
    actions = [_blur(action, rng) for action in actions]
    if at_once:
        return _at_once(actions[0], actions[1], rng)
    shape = str(rng.choice(_SHAPES, p=_SHAPE_SHARE))
    if shape == "noun":
        if all(phrases.templates(action, "nouns") for action in actions):
            return _nouns(actions, rng)
        shape = "gerund"
    if shape == "after" and len(actions) == 1:
        shape = "third"
    return _sentence(actions, shape, rng)


def _blur(action: Action, rng: np.random.Generator) -> Action:
    no_side, no_style, no_speed = rng.random(3) < (_NO_SIDE, _NO_STYLE, _NO_SPEED)
    no_count = action.count is not None and rng.random() < _NO_COUNT
    return replace(
        action,
        side=None if no_side and action.side != "both" else action.side,
        style=None if no_style else action.style,
        speed=None if no_speed else action.speed,
        count=None if no_count else action.count,
    )


def _sentence(actions: Sequence[Action], shape: str, rng: np.random.Generator) -> str:
    subject, noun, their = _subject(actions[0], rng)
    style = actions[0].style
    adjectives = phrases.modifiers("style", style).get("adjectives") if style and noun else None
    if adjectives and shape not in ("gerund", "base") and rng.random() < 0.35:
        adjective = str(rng.choice(adjectives))
        article = "the" if subject.startswith("the ") else _article(adjective)
        subject = f"{article} {adjective} {noun}"
        actions = [replace(action, style=None) for action in actions]
    if shape in ("third", "progressive"):
        verb = "" if shape == "third" else "is "
        form: Form = "third" if shape == "third" else "gerund"
        return f"{subject} {verb}{_their(_join(actions, form, rng), their)}{_setting(rng)}"
    if shape == "participle":
        subject = {"he": "a man", "she": "a woman"}.get(subject, subject)
        return f"{subject} {_their(_join(actions, 'gerund', rng), their)}"
    if shape == "after":
        first, rest = _join(actions[:1], "gerund", rng), _join(actions[1:], "third", rng)
        return _their(f"after {first}, {subject} {rest}", their)
    return _their(_join(actions, "base" if shape == "base" else "gerund", rng), "the")


def _at_once(legs: Action, arms: Action, rng: np.random.Generator) -> str:
    """A sentence about two things done at the same time."""
    subject, _, their = _SUBJECTS[rng.choice(len(_SUBJECTS), p=_share(_SUBJECT_SHARE))]
    first = {form: _phrase(legs, form, rng) for form in FORMS}
    second = {form: _phrase(arms, form, rng) for form in FORMS}
    if rng.random() < 0.5:
        first, second = second, first
    forms = (
        f"{subject} {first['third']} while {second['gerund']}",
        f"{subject} is {first['gerund']} while {second['gerund']}",
        f"{subject} {first['third']} and {second['third']} at the same time",
        f"{subject} is {first['gerund']} and {second['gerund']}",
        f"{first['base']} while {second['gerund']}",
        f"while {first['gerund']}, {subject} {second['third']}",
        f"{first['gerund']} while {second['gerund']}",
        f"{subject} {first['third']}, {second['gerund']}",
    )
    return _their(str(rng.choice(forms)), their)


def _subject(action: Action, rng: np.random.Generator) -> tuple[str, str, str]:
    """Who acts: the subject, its noun and its possessive."""
    fitting = phrases.subjects(action.kind)
    if fitting and rng.random() < _FITTING_SUBJECT:
        noun = str(rng.choice(fitting))
        article = "the" if rng.random() < 0.3 else _article(noun)
        return f"{article} {noun}", noun, "their"
    return _SUBJECTS[rng.choice(len(_SUBJECTS), p=_share(_SUBJECT_SHARE))]


def _setting(rng: np.random.Generator) -> str:
    """Where or when, behind a blank; mostly nothing."""
    place, occasion = rng.random(2) < (_PLACE, _OCCASION)
    text = " " + str(rng.choice(phrases.settings("places"))) if place else ""
    return text + (" " + str(rng.choice(phrases.settings("occasions"))) if occasion else "")


def _join(actions: Sequence[Action], form: Form, rng: np.random.Generator) -> str:
    parts = [_phrase(action, form, rng) for action in actions]
    text = parts[0]
    for part in parts[1:]:
        text += str(rng.choice(_JOINS)) + part
    return text


def _phrase(action: Action, form: Form, rng: np.random.Generator) -> str:
    templates, counted = phrases.templates(action), phrases.templates(action, "counted")
    if counted and (action.kind in STEPPED or rng.random() < _COUNTED):
        templates = counted
    usable = [text for text in templates if not (action.speed and _OF_PACE.search(text))]
    template = str(rng.choice(usable or templates))
    if templates is counted or action.kind in STEPPED:  # nobody walks forward "three times"
        text = phrases.inflect(phrases.fill(template, action, int(rng.integers(6))), form)
        return _with_manner(replace(action, count=None), text, form, rng)
    text = phrases.inflect(phrases.fill(template, action, int(rng.integers(6))), form)
    return _with_manner(action, text, form, rng)


def _with_manner(action: Action, text: str, form: Form, rng: np.random.Generator) -> str:
    for quality in ("style", "speed", "count"):
        value = getattr(action, quality)
        if value is None:
            continue
        manner = phrases.modifiers(quality, str(value))
        if manner["adverbs"] and form != "base" and rng.random() < 0.3:
            text = f"{rng.choice(manner['adverbs'])} {text}"
        else:
            text = f"{text} {rng.choice(manner['phrases'])}"
    return text


def _nouns(actions: Sequence[Action], rng: np.random.Generator) -> str:
    text = ""
    for action in actions:
        noun = phrases.fill(str(rng.choice(phrases.templates(action, "nouns"))), action)
        if action.style:
            noun += " " + str(rng.choice(phrases.modifiers("style", action.style)["phrases"]))
        text += (str(rng.choice(_NOUN_JOINS)) if text else "") + noun
    return _their(text, "the")


def _their(text: str, possessive: str) -> str:
    return re.sub(r"\btheir\b", possessive, text)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _share(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()


def mirror_caption(text: str) -> str:
    """The caption of the motion with left and right exchanged.

    "left" and "right" swap in every compound ("left-handed", "rightwards"), and so do the senses
    of rotation; case is kept.
    """

    def swap(match: re.Match[str]) -> str:
        word = _SWAPS[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return _SWAP_WORD.sub(swap, text)


@cache
def vocabulary() -> Vocabulary:
    """Everything that `caption` can say of any action."""
    return Vocabulary(
        wordings=tuple(sorted(phrases.all_wordings())),
        verbs=tuple(sorted(phrases.all_verbs())),
        subjects=phrases.all_subjects(),
        modifiers=phrases.all_modifiers("style", "speed"),
        counts=phrases.all_modifiers("count"),
        settings=(*phrases.settings("places"), *phrases.settings("occasions")),
    )


def normalise(text: str) -> str:
    """A prompt reduced to its verb phrases; see `Vocabulary.normalise`."""
    return vocabulary().normalise(text)


def is_training_wording(prompt: str) -> bool:
    """Whether `caption` can say this: all its parts, without subject and manner, are in stock.

    The animals that people imitate are named by the data, so sentences about them are not known.
    """
    return vocabulary().knows_all(prompt.lower().removeprefix("after "))
