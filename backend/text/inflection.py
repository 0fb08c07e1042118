"""English verbs in the forms that captions and prompts need."""

import re
from typing import Final, Literal

Form = Literal["third", "gerund", "base"]
FORMS: Final[tuple[Form, ...]] = ("third", "gerund", "base")

_THIRD: Final = {"be": "is", "have": "has", "limbo": "limbos"}
_GERUND: Final = {
    "be": "being",
    "control": "controlling",
    "sidestep": "sidestepping",
    "zigzag": "zigzagging",
}
VERB: Final = re.compile(r"\*([a-z]+)")  # a base verb that a template marks
_DOUBLED: Final = re.compile(r"^(?:[^aeiou]+|.*qu)?[aeiou][bdfgklmnprstvz]$")


def third_person(verb: str) -> str:
    """A base verb as "he" or "she" does it: runs, carries, punches."""
    if verb in _THIRD:
        return _THIRD[verb]
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def gerund(verb: str) -> str:
    """The -ing form of a base verb: running, dancing, seeing."""
    if verb in _GERUND:
        return _GERUND[verb]
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _DOUBLED.match(verb) else "") + "ing"


def inflect(verb: str, form: Form) -> str:
    """A base verb in a form."""
    if form == "third":
        return third_person(verb)
    return gerund(verb) if form == "gerund" else verb


def inflect_template(template: str, form: Form) -> str:
    """A template with its marked verbs ("*walk to and fro") in a form."""
    return VERB.sub(lambda match: inflect(match[1], form), template)
