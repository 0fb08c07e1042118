"""The stock of wordings: verb phrases per action, their inflections, limbs and modifiers."""

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import product
from typing import Any, Final, Literal

from backend.datasets.actions import Action
from backend.text import inflection
from backend.text.inflection import FORMS, Form
from shared.motion.skeleton import Side

_LIMB: Final = re.compile(r"\{(hand|arm|leg|foot|fist)\}")
_VOWEL_START: Final = re.compile(r"\b([Aa]) (?=[aeiou])")
_PLURAL: Final = {"foot": "feet"}
_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_TIMES: Final = {1: "once", 2: "twice"}


@cache
def _stock(name: str) -> dict[str, Any]:
    text = resources.files("backend").joinpath(f"assets/{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _wordings() -> dict[str, Any]:
    """The wordings by kind, of recorded actions and of written gestures."""
    return {**_stock("phrases"), **_stock("gestures")}


def kinds() -> tuple[str, ...]:
    """Every kind of action that has wordings."""
    return tuple(_wordings())


def variants(kind: str) -> tuple[str, ...]:
    """The variants of a kind that have wordings of their own."""
    return tuple(_wordings()[kind].get("variants", ()))


def modifiers(quality: Literal["style", "speed", "count"], value: str) -> dict[str, list[str]]:
    """Adverbs, phrases and adjectives for a style, a speed or a number of times."""
    return _stock("modifiers")[quality][value]


def all_modifiers(*qualities: Literal["style", "speed", "count"]) -> tuple[str, ...]:
    """Every wording of a manner of these qualities, longest first."""
    words = {
        word
        for quality in qualities
        for manner in _stock("modifiers")[quality].values()
        for group in manner.values()
        for word in group
    }
    return tuple(sorted(words, key=len, reverse=True))


def subjects(kind: str) -> tuple[str, ...]:
    """Nouns for somebody who typically does a kind of action; often none."""
    return tuple(_stock("settings")["subjects"].get(kind, ()))


def all_subjects() -> tuple[str, ...]:
    """Every noun of `subjects`, longest first."""
    nouns = {noun for group in _stock("settings")["subjects"].values() for noun in group}
    return tuple(sorted(nouns, key=len, reverse=True))


def settings(group: Literal["places", "occasions"]) -> tuple[str, ...]:
    """Where or when something is done, for any action."""
    return tuple(_stock("settings")[group])


def templates(
    action: Action, group: Literal["verbs", "nouns", "counted"] = "verbs"
) -> tuple[str, ...]:
    """The templates of an action; those of its variant take the place of the general ones.

    `counted` ones name a number of times or steps; the action is only said to be done once by
    those that can ("twice" but not "one steps").

    Raises:
        KeyError: when the kind has no wordings.
    """
    entry = _wordings()[action.kind]
    special = entry.get("variants", {})
    chosen = special.get(action.variant) or (special.get("any") if action.variant else None)
    found = tuple((chosen or entry).get(group, ()))
    if group == "counted" and action.count in (None, 1):
        return tuple(text for text in found if "{times}" in text) if action.count else ()
    return found


def limbs(limb: str, action: Action) -> tuple[str, ...]:
    """Ways to name the acting limb, such as "the left hand" or "both hands"."""
    if action.side in ("left", "right"):
        return (f"the {action.side} {limb}", f"their {action.side} {limb}")
    if action.side == "both":
        plural = _PLURAL.get(limb, limb + "s")
        return (f"both {plural}", f"both of their {plural}", f"two {plural}")
    return (f"a {limb}", f"one {limb}")


def fill(template: str, action: Action, choose: int = 0) -> str:
    """Fill the limb and variant into a template; `choose` picks among the namings of the limb."""

    def limb(match: re.Match[str]) -> str:
        ways = limbs(match[1], action)
        return ways[choose % len(ways)]

    text = _LIMB.sub(limb, template).replace("{variant}", action.variant or "")
    if action.count is not None:
        text = text.replace("{count}", _NUMBERS[action.count])
        text = text.replace("{times}", _TIMES.get(action.count, f"{_NUMBERS[action.count]} times"))
    return _VOWEL_START.sub(r"\1n ", text)


def inflect(template: str, form: Form) -> str:
    """Put the marked verbs into the third person, the gerund or the plain form."""
    return inflection.inflect_template(template, form)


def all_verbs() -> frozenset[str]:
    """The base form of every verb in the wordings."""
    groups: tuple[Literal["verbs", "counted"], ...] = ("verbs", "counted")
    every = (
        template
        for kind in kinds()
        for variant in (None, *variants(kind))
        for group in groups
        for template in templates(Action(kind, variant=variant, count=2), group)
    )
    return frozenset(verb for template in every for verb in inflection.VERB.findall(template))


@cache
def all_wordings() -> frozenset[str]:
    """Every verb and noun phrase of every action, in all forms, without subject or manner."""
    found: set[str] = set()
    sides: tuple[Side | None, ...] = (None, "left", "right", "both")
    for kind in kinds():
        for variant, side in product((None, *variants(kind)), sides):
            action = replace(Action(kind), variant=variant, side=side)
            for choose in range(3):
                for template in templates(action):
                    filled = fill(template, action, choose)
                    found |= {inflect(filled, form) for form in FORMS}
                found |= {fill(noun, action, choose) for noun in templates(action, "nouns")}
                for count in range(1, len(_NUMBERS)):
                    counted = replace(action, count=count)
                    for template in templates(counted, "counted"):
                        filled = fill(template, counted, choose)
                        found |= {inflect(filled, form) for form in FORMS}
    # Behind a subject "is" belongs to that, as in "is running".
    return frozenset(found | {text.removeprefix("is ") for text in found})
