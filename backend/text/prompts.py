"""A prompt parted into the actions that it names, in the order in which they are to happen.

Each part is a prompt of its own that reads as if somebody had written it: subject and verb are
carried over to where a sentence left them out, and an action that is denied is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.text.inflection import third_person
from backend.text.vocabulary import Vocabulary

_ENDS: Final = re.compile(r"\s*(?:[.!?]+(?=\s|$)|;|\n|->|=>|→|…)\s*")
# Words that put one action behind another. "next" and "later" may also belong to a place or time.
_ORDER: Final = re.compile(
    r"(?:\s*,|^|(?<=\s)|\s)\s*(?:(?:and|but)\s+)?"
    r"(?:(?:and\s+)?then(?:\s+finally)?|after(?:wards?|\s+that|\s+this)|subsequently|thereafter"
    r"|finally|lastly|at\s+last|eventually|in\s+the\s+end|followed\s+by"
    r"|(?:(?<=,\s)|(?<=and\s)|(?<=^))(?:next(?!\s+to\b)|later(?:\s+on)?))\b\s*,?\s*",
    re.IGNORECASE,
)
_TRAILING: Final = re.compile(
    r",?\s+(?:and\s+)?(?:then|afterwards?|finally|lastly|at\s+last|eventually|in\s+the\s+end)$",
    re.IGNORECASE,
)
_SOFT: Final = re.compile(r"\s*,\s*(?:and\s+|but\s+)?|\s+(?:and|but|&)\s+", re.IGNORECASE)
_FIRST: Final = re.compile(r"^(?:first(?:ly)?|to\s+begin\s+with|at\s+first)\b,?\s*", re.IGNORECASE)
_AT_ONCE: Final = re.compile(r"^(?:while|when|as|whilst)\b", re.IGNORECASE)
_BEFORE_AFTER: Final = re.compile(r",?\s+(before|after)\s+(?=\S)", re.IGNORECASE)
_LEADING: Final = re.compile(r"^(before|after)\s+([^,]+),\s*(.+)$", re.IGNORECASE)

_NOT: Final = (
    r"(?:(?:do|does|did|is|are|was|were|will|would|should|must|can|could)(?:\s+not|n['’]t)"
    r"|don['’]?t|doesn['’]?t|can['’]?t|cannot|won['’]?t|never|not|no\s+longer|no(?=\s+\w+ing\b))"
)
_DENIED: Final = re.compile(rf"^(?:but\s+)?{_NOT}\b\s*", re.IGNORECASE)
_DENIED_INSIDE: Final = re.compile(
    rf"(?:\s*,\s*(?:and\s+|but\s+)?|\s+(?:and|but)\s+)(?=(?:\w+\s+)?{_NOT}\b)", re.IGNORECASE
)
_KEEPS_ON: Final = re.compile(r"^(?:stops?|ceases?|quits?)\s+(\w+ing\b.*)$", re.IGNORECASE)
_INSTEAD: Final = re.compile(
    r",?\s+(?:instead\s+of|rather\s+than)\s+[^,]+|,?\s+without\s+(?:\w+ly\s+)?\w+ing\b[^,]*",
    re.IGNORECASE,
)

_PRONOUNS: Final = frozenset({"he", "she", "they", "it"})
_PLURAL: Final = re.compile(r"^(?:they|you|i|we|people|two\b.*|\w+\s+people)$", re.IGNORECASE)
_NO_GERUND: Final = frozenset({"thing", "something", "nothing", "anything", "morning", "evening"})
_ADVERB: Final = re.compile(r"^(?:\w+ly|again|also|just|still|even|once|twice|quick|to)$")
_HELD: Final = re.compile(r"^(?:stands?|standing|sits?|sitting|is\s+standing|is\s+sitting)$")
_WAY: Final = (
    r"(?:left|right|forwards?|backwards?|back|ahead|sideways|up|upwards?|down|downwards?|around"
    r"|straight|north|south|east|west|clockwise|counterclockwise)"
)
_WAY_PHRASE: Final = re.compile(
    rf"(?:(?:to|towards?|with|on|in|by)\s+)?(?:(?:the|his|her|their|its)\s+)?{_WAY}"
    r"(?:\s+(?:side|one|hand|arm|leg|foot|fist|direction|again))?",
    re.IGNORECASE,
)
_SIDE: Final = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_AGAIN: Final = re.compile(r"^(?:once\s+more|again|once\s+again)$", re.IGNORECASE)
_OBJECT: Final = re.compile(r"^(?:an?|the|another|his|her|their)\s+(?:\w+\s*){1,3}$", re.IGNORECASE)
_LAST_OBJECT: Final = re.compile(r"\b(?:an?|the|another|his|her|their)\s+\w+(?:\s+\w+)?$")


@dataclass(frozen=True)
class _Subject:
    """Who acts in a prompt, and whether "is" stands between that and what is done."""

    who: str = ""
    be: str = ""

    @property
    def plural(self) -> bool:
        return bool(_PLURAL.match(self.who))


def split_prompt(prompt: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Prompts for the actions that a prompt names one after another; itself when it names one.

    "then" and its like always part two actions, and so do "before" and "after" with an action
    behind them; "and" and a comma only where a known action follows: "walks and turns left" is
    one wording, "raises and lowers an arm" has no second. What happens at once ("while", "as")
    stays together. Where all is denied, somebody stands still.
    """
    text = re.sub(r"[ \t]+", " ", prompt.strip())
    if vocabulary.knows(text):
        return (prompt,)
    parts: list[str] = []
    subject, denied = _Subject(), False
    for sentence in _ENDS.split(text):
        for clause in _clauses(sentence.strip(" ,.:"), vocabulary):
            subject, part, refused = _complete(clause, subject, parts, vocabulary)
            denied |= refused
            if part:
                parts.append(part)
    if not parts:
        return (_at_rest(subject) if denied else prompt,)
    return tuple(parts) if len(parts) > 1 or denied else (prompt,)


def _at_rest(subject: _Subject) -> str:
    if not subject.who:
        return "stand still"
    return f"{subject.who} {'stand' if subject.plural else 'stands'} still"


def _clauses(sentence: str, vocabulary: Vocabulary) -> list[str]:
    """The clauses of a sentence in the order in which they happen, still as they were written."""
    sentence = _FIRST.sub("", _TRAILING.sub("", sentence))
    if not sentence:
        return []
    if vocabulary.knows(sentence):
        return [sentence]
    leading = _LEADING.match(sentence)
    if leading and _is_action(leading[2], vocabulary):
        word, first, second = leading[1].lower(), leading[2], leading[3]
        if word == "after":
            return _turned_round(second, first, vocabulary)
        return _clauses(second, vocabulary) + _clauses(first, vocabulary)
    start = sentence.find(",") + 1 if _AT_ONCE.match(sentence) else 0
    for link in _BEFORE_AFTER.finditer(sentence, start):
        before, behind = sentence[: link.start()], sentence[link.end() :]
        if before.strip() and _is_action(behind, vocabulary):
            if link[1].lower() == "before":
                return _clauses(before, vocabulary) + _clauses(behind, vocabulary)
            return _turned_round(before, behind, vocabulary)
    return _in_order(sentence, start, vocabulary)


def _turned_round(second: str, first: str, vocabulary: Vocabulary) -> list[str]:
    """Clauses of "second after first": the subject goes to the front with what happens first."""
    subject = vocabulary.subject.match(second.lower() + " ")
    own = vocabulary.subject.match(first.lower() + " ")
    if subject and not own:
        first = _said(_Subject(second[: len(subject["who"])]), first, vocabulary)
    return _clauses(first, vocabulary) + _clauses(second, vocabulary)


def _is_action(text: str, vocabulary: Vocabulary) -> bool:
    """Whether what stands behind "before" or "after" is an action: a -ing form or a sentence."""
    text = _ORDER.sub("", text, count=1) if _ORDER.match(text) else text
    subject = vocabulary.subject.match(text.lower() + " ")
    if subject and text[subject.end() :].strip():
        return True
    word = _verb(text)
    if word.endswith("ing") and word not in _NO_GERUND:
        return True
    return text.lower().startswith(("a ", "an ")) and vocabulary.knows(text)


def _in_order(sentence: str, start: int, vocabulary: Vocabulary) -> list[str]:
    """Clauses of a sentence whose order is that of its words; links before `start` are none."""
    clauses, at = [], 0
    for link in _ORDER.finditer(sentence, start):
        clauses.append(sentence[at : link.start()])
        at = link.end()
    clauses.append(sentence[at:])
    return [
        part
        for clause in clauses
        for part in _soft_parts(
            clause.strip(" ,"), start if clause is clauses[0] else 0, vocabulary
        )
    ]


def _soft_parts(clause: str, start: int, vocabulary: Vocabulary) -> list[str]:
    """A clause parted at commas and "and" where another action follows."""
    if not clause or vocabulary.knows(clause):
        return [clause] if clause else []
    parts, at = [], 0
    for link in _SOFT.finditer(clause, start):
        left, right = clause[at : link.start()], clause[link.end() :]
        if left.strip() and right.strip() and _parts_here(left, right, link[0], vocabulary):
            parts.append(left.strip(" ,"))
            at = link.end()
    return [*parts, clause[at:].strip(" ,")]


def _parts_here(left: str, right: str, link: str, vocabulary: Vocabulary) -> bool:
    if _DENIED_INSIDE.match(link + right) or _DENIED.match(right):
        return True
    end = _SOFT.search(right)
    following = right[: end.start()] if end else right
    if _AT_ONCE.match(right) or not following.strip():
        return False
    subject = vocabulary.subject.match(right.lower() + " ")
    if subject and right[subject.end() :].strip():
        return _verb(right[subject.end() :]) in vocabulary.forms or bool(subject["be"])
    said = vocabulary.normalise(left)
    if _DENIED.match(_without_subject(left, vocabulary)):
        return _verb(right) in vocabulary.forms
    if _HELD.match(said) and "," not in link:
        return False
    if "," in link and _WAY_PHRASE.fullmatch(following.strip()):
        return bool(_SIDE.search(left) or re.search(rf"\b{_WAY}\b", left))
    if vocabulary.knows_all(right) or vocabulary.knows(following):
        return True
    # Another verb in the same form starts another action where the first one is complete.
    form = vocabulary.forms.get(_verb(right))
    own = vocabulary.forms.get(_verb(_without_subject(left, vocabulary)))
    refers_back = re.search(r"\b(?:it|them)\b", following)
    same = form and own and form[1] == own[1] and form[0] != own[0]
    return bool(same and not refers_back and vocabulary.knows(left))


def _without_subject(text: str, vocabulary: Vocabulary) -> str:
    match = vocabulary.subject.match(text.lower() + " ")
    return text[match.end() :] if match else text


def _verb(text: str) -> str:
    """The first word of a text that is no adverb, in lower case."""
    words = re.findall(r"[\w'’-]+", text.lower())
    return next((word for word in words if not _ADVERB.match(word)), "")


def _complete(
    clause: str, subject: _Subject, made: Sequence[str], vocabulary: Vocabulary
) -> tuple[_Subject, str, bool]:
    """The subject that holds from here on, a clause as a prompt, and whether something is denied.

    The prompt is empty where all of the clause is denied.
    """
    shorter = clause if vocabulary.knows(clause) else _INSTEAD.sub("", clause).strip(" ,")
    denied = shorter != clause
    clause = _FIRST.sub("", shorter)
    match = vocabulary.subject.match(clause.lower() + " ")
    rest = clause[match.end() :] if match else clause
    own = subject
    if match:
        who, be = clause[: len(match["who"])], match["be"] or ""
        own = _Subject(who, be)
        if _DENIED.match(f"{be} {rest}".strip()):
            rest, own = f"{be} {rest}".strip(), _Subject(who, "")
        elif match["who"] in _PRONOUNS and subject.who:
            subject = _Subject(subject.who, be)
    refusal = _DENIED.match(rest)
    if refusal:
        on = _KEEPS_ON.match(rest[refusal.end() :])
        if not on:
            return (own if not subject.who else subject), "", True
        return own, _said(own, on[1], vocabulary), True
    if match:
        keeps = own.who.lower() in _PRONOUNS and subject.who
        return (subject if keeps else own), clause, denied
    borrowed = _borrow(clause, made, vocabulary)
    return subject, borrowed or _said(subject, clause, vocabulary), denied


def _said(subject: _Subject, clause: str, vocabulary: Vocabulary) -> str:
    """What a subject does as a sentence, the verb in the form that fits."""
    clause = re.sub(r"^to\s+", "", clause)
    if not subject.who:
        return clause
    word = _verb(clause)
    base, form = vocabulary.forms.get(word, (word, ""))
    be = subject.be or ("are" if subject.plural else "is")
    if form == "gerund" or (word.endswith("ing") and word not in _NO_GERUND):
        return f"{subject.who} {be} {clause}"
    if form == "base" and not subject.plural:
        at = clause.lower().index(word)
        return f"{subject.who} {clause[:at]}{third_person(base)}{clause[at + len(word) :]}"
    if form or re.search(r"(?:[^s]s|ed)$", word):
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
    if _WAY_PHRASE.fullmatch(clause):
        return _other_way(last, clause)
    if _OBJECT.match(clause) and _verb(clause) not in vocabulary.forms:
        changed, times = _LAST_OBJECT.subn(clause, last)
        return changed if times and changed != clause else ""
    return ""


def _other_way(last: str, clause: str) -> str:
    side = _SIDE.search(clause)
    if side and _SIDE.search(last):
        return _SIDE.sub(side[1], last)
    tail = re.search(rf"(?:\s+(?:to|towards?)\s+the)?\s+{_WAY}$", last, re.IGNORECASE)
    return f"{last[: tail.start()] if tail else last} {clause}"
