"""A clause of a prompt made a prompt of its own: with its subject, its verb, and nothing denied."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.text.inflection import third_person
from backend.text.vocabulary import Vocabulary

FIRST: Final = re.compile(r"^(?:first(?:ly)?|to\s+begin\s+with|at\s+first)\b,?\s*", re.IGNORECASE)
NOT: Final = (
    r"(?:(?:do|does|did|is|are|was|were|will|would|should|must|can|could)(?:\s+not|n['’]t)"
    r"|don['’]?t|doesn['’]?t|can['’]?t|cannot|won['’]?t|never|not|neither|no\s+longer|no(?=\s+\w+ing\b))"
)
DENIED: Final = re.compile(rf"^(?:but\s+)?{NOT}\b\s*", re.IGNORECASE)
_KEEPS_ON: Final = re.compile(r"^(?:stops?|ceases?|quits?)\s+(\w+ing\b.*)$", re.IGNORECASE)
_INSTEAD: Final = re.compile(
    r"(?:^|,?\s+)(?:instead\s+of|rather\s+than)\s+[^,]+,?"
    r"|(?:^|,?\s+)without\s+(?!moving|stirring)(?:\w+ly\s+)?\w+ing\b[^,]*,?",
    re.IGNORECASE,
)
_PRONOUNS: Final = frozenset({"he", "she", "they", "it"})
_PLURAL: Final = re.compile(r"^(?:they|you|i|we|people|two\b.*|\w+\s+people)$", re.IGNORECASE)
NO_GERUND: Final = frozenset({"thing", "something", "nothing", "anything", "morning", "evening"})
_ADVERB: Final = re.compile(r"^(?:\w+ly|again|also|just|still|even|once|twice|quick|to)$")
WAY: Final = (
    r"(?:left|right|forwards?|backwards?|back|ahead|sideways|up|upwards?|down|downwards?|around"
    r"|straight|north|south|east|west|clockwise|counterclockwise)"
)
WAY_PHRASE: Final = re.compile(
    rf"(?:(?:to|towards?|with|on|in|by)\s+)?(?:(?:the|his|her|their|its)\s+)?{WAY}"
    r"(?:\s+(?:side|one|hand|arm|leg|foot|fist|direction|again))?",
    re.IGNORECASE,
)
SIDE: Final = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_AGAIN: Final = re.compile(r"^(?:once\s+more|again|once\s+again)$", re.IGNORECASE)
_PORTION: Final = re.compile(
    r"^(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|an?\s+few|several|some)\s+"
    r"(?:more\s+)?(?:steps?|paces?|metres?|meters?|times|feet)\b",
    re.IGNORECASE,
)
REFERS_BACK: Final = re.compile(r"\b(?:it|them)\b", re.IGNORECASE)
THING: Final = re.compile(
    r"\b(?:an?|the|another|his|her|their)\s+"
    r"(?:(?!(?:with|in|on|at|to|from|over|into|onto|off|and|of|for|under|behind|up|down)\b)\w+\s?)"
    r"{1,3}",
    re.IGNORECASE,
)
_OBJECT: Final = re.compile(r"^(?:an?|the|another|his|her|their)\s+(?:\w+\s*){1,3}$", re.IGNORECASE)
_LAST_OBJECT: Final = re.compile(r"\b(?:an?|the|another|his|her|their)\s+\w+(?:\s+\w+)?$")


@dataclass(frozen=True)
class Subject:
    """Who acts in a prompt, and whether "is" stands between that and what is done."""

    who: str = ""
    be: str = ""

    @property
    def plural(self) -> bool:
        """Whether several act."""
        return bool(_PLURAL.match(self.who))


def at_rest(subject: Subject) -> str:
    """The prompt for a subject that does nothing."""
    if not subject.who:
        return "stand still"
    return f"{subject.who} {'stand' if subject.plural else 'stands'} still"


def complete(
    clause: str, subject: Subject, made: Sequence[str], vocabulary: Vocabulary
) -> tuple[Subject, str, bool]:
    """The subject that holds from here on, a clause as a prompt, and whether something is denied.

    The prompt is empty where all of the clause is denied.
    """
    shorter = clause if vocabulary.knows(clause) else _INSTEAD.sub("", clause).strip(" ,")
    denied = shorter != clause
    clause = FIRST.sub("", shorter)
    match = vocabulary.subject.match(clause.lower() + " ")
    rest = _named(FIRST.sub("", clause[match.end() :] if match else clause), made, vocabulary)
    clause = clause[: match.end()] + rest if match else rest
    own = subject
    if match:
        who, be = clause[: len(match["who"])], match["be"] or ""
        own = Subject(who, be)
        if DENIED.match(f"{be} {rest}".strip()):
            rest, own = f"{be} {rest}".strip(), Subject(who, "")
        elif match["who"] in _PRONOUNS and subject.who:
            subject = Subject(subject.who, be)
    refusal = DENIED.match(rest)
    if refusal:
        on = _KEEPS_ON.match(rest[refusal.end() :])
        if not on:
            return (own if not subject.who else subject), "", True
        return own, said(own, on[1], vocabulary), True
    if match:
        keeps = own.who.lower() in _PRONOUNS and subject.who
        return (subject if keeps else own), clause, denied
    borrowed = _borrow(clause, made, vocabulary)
    return subject, borrowed or said(subject, clause, vocabulary), denied


def said(subject: Subject, clause: str, vocabulary: Vocabulary) -> str:
    """What a subject does as a sentence, the verb in the form that fits."""
    clause = re.sub(r"^to\s+", "", clause)
    if not subject.who:
        return clause
    word = first_verb(clause)
    base, form = vocabulary.forms.get(word, (word, ""))
    be = subject.be or ("are" if subject.plural else "is")
    if form == "gerund" or (word.endswith("ing") and word not in NO_GERUND):
        return f"{subject.who} {be} {clause}"
    if form == "base" and not subject.plural:
        at = clause.lower().index(word)
        return f"{subject.who} {clause[:at]}{third_person(base)}{clause[at + len(word) :]}"
    noun = re.match(r"(?:an?|the|some|\d+)\b", clause, re.IGNORECASE)
    if form or re.search(r"(?:[^s]s|ed)$", word) or (subject.plural and not noun):
        return f"{subject.who} {clause}"
    return clause  # a noun, which stands for itself


def _borrow(clause: str, made: Sequence[str], vocabulary: Vocabulary) -> str:
    """A clause that has no verb, with that of the one before; empty when it has or needs none.

    "turns left" and "right" give "turns right", "picks up a box" and "a bag" "picks up a bag".
    """
    if not made or vocabulary.knows(clause):
        return ""
    last = made[-1]
    if _AGAIN.match(clause):
        return last
    if WAY_PHRASE.fullmatch(clause):
        return _other_way(last, clause)
    if _PORTION.match(clause):
        subject = vocabulary.subject.match(last.lower() + " ")
        start = subject.end() if subject else 0
        verb = first_verb(last[start:])
        return f"{last[: last.lower().index(verb, start) + len(verb)]} {clause}" if verb else ""
    if _OBJECT.match(clause) and first_verb(clause) not in vocabulary.forms:
        changed, times = _LAST_OBJECT.subn(clause, last)
        return changed if times and changed != clause else ""
    return ""


def _named(clause: str, made: Sequence[str], vocabulary: Vocabulary) -> str:
    """A clause about "it" with the thing named that the part before it is about."""
    thing = THING.search(without_subject(made[-1], vocabulary)) if made else None
    return REFERS_BACK.sub(thing[0].strip(), clause, count=1) if thing else clause


def _other_way(last: str, clause: str) -> str:
    side = SIDE.search(clause)
    if side and SIDE.search(last):
        return SIDE.sub(side[1], last)
    tail = re.search(rf"(?:\s+(?:to|towards?)\s+the)?\s+{WAY}$", last, re.IGNORECASE)
    return f"{last[: tail.start()] if tail else last} {clause}"


def without_subject(text: str, vocabulary: Vocabulary) -> str:
    """What is done, without who does it."""
    match = vocabulary.subject.match(text.lower() + " ")
    return text[match.end() :] if match else text


def first_verb(text: str) -> str:
    """The first word of a text that is no adverb, in lower case."""
    words = re.findall(r"[\w'’-]+", text.lower())
    return next((word for word in words if not _ADVERB.match(word)), "")
