"""A prompt parted into the actions that it names, in the order in which they are to happen.

Each part is a prompt of its own that reads as if somebody had written it: subject and verb are
carried over to where a sentence left them out, and an action that is denied is left out.
"""

import re
from itertools import islice
from typing import Final

from backend.text.completion import (
    DENIED,
    FIRST,
    NO_GERUND,
    NOT,
    REFERS_BACK,
    SIDE,
    THING,
    WAY,
    WAY_PHRASE,
    Subject,
    at_rest,
    complete,
    first_verb,
    said,
    without_subject,
)
from backend.text.vocabulary import Vocabulary

_ENDS: Final = re.compile(r"\s*(?:[.!?]+(?=\s|$)|;|\n|->|=>|→|…)\s*")
# Words that put one action behind another. "next" and "later" may also belong to a place or time.
_ORDER: Final = re.compile(
    r"(?:\s*,|^|(?<=\s)|\s)\s*(?:(?:and|but)\s+)?"
    r"(?:(?:and\s+)?then(?:\s+finally)?|after(?:wards?|\s+that|\s+this|\s+which)|subsequently|thereafter"
    r"|finally|lastly|at\s+last|eventually|in\s+the\s+end|followed\s+by"
    r"|(?:(?<=,\s)|(?<=and\s)|(?<=^))(?:next(?!\s+to\b)|later(?:\s+on)?))\b\s*,?\s*",
    re.IGNORECASE,
)
_TRAILING: Final = re.compile(
    r",?\s+(?:and\s+)?(?:then|afterwards?|finally|lastly|at\s+last|eventually|in\s+the\s+end)$",
    re.IGNORECASE,
)
_SOFT: Final = re.compile(r"\s*,\s*(?:and\s+|but\s+)?|\s+(?:and|but|&)\s+", re.IGNORECASE)
_AT_ONCE: Final = re.compile(r"^(?:while|when|as|whilst)\b", re.IGNORECASE)
_LINKS_INSIDE: Final = 2  # "and" and commas that a wording may hold
_BEFORE_AFTER: Final = re.compile(r",?\s+(before|after)\s+(?=\S)", re.IGNORECASE)
_LEADING: Final = re.compile(r"^(before|after)\s+([^,]+),\s*(.+)$", re.IGNORECASE)

_DENIED_INSIDE: Final = re.compile(
    rf"(?:\s*,\s*(?:and\s+|but\s+)?|\s+(?:and|but)\s+)(?=(?:\w+\s+)?{NOT}\b)", re.IGNORECASE
)

_HELD: Final = re.compile(r"^(?:stands?|standing|sits?|sitting|is\s+standing|is\s+sitting)$")


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
    subject, denied = Subject(), False
    for sentence in _ENDS.split(text):
        for clause in _clauses(sentence.strip(" ,.:"), vocabulary):
            subject, part, refused = complete(clause, subject, parts, vocabulary)
            denied |= refused
            if part:
                parts.append(part)
    if not parts:
        return (at_rest(subject) if denied else prompt,)
    return tuple(parts) if len(parts) > 1 or denied else (prompt,)


def _clauses(sentence: str, vocabulary: Vocabulary) -> list[str]:
    """The clauses of a sentence in the order in which they happen, still as they were written."""
    sentence = FIRST.sub("", _TRAILING.sub("", sentence))
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
    start = sentence.find(",") + 1 if leading or _AT_ONCE.match(sentence) else 0
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
        first = said(Subject(second[: len(subject["who"])]), first, vocabulary)
    return _clauses(first, vocabulary) + _clauses(second, vocabulary)


def _is_action(text: str, vocabulary: Vocabulary) -> bool:
    """Whether what stands behind "before" or "after" is an action: a -ing form or a sentence."""
    text = _ORDER.sub("", text, count=1) if _ORDER.match(text) else text
    subject = vocabulary.subject.match(text.lower() + " ")
    if subject and text[subject.end() :].strip():
        return True
    word = first_verb(text)
    if word.endswith("ing") and word not in NO_GERUND:
        return True
    # A noun may have an adjective: "a short walk".
    noun = re.match(r"(an?)\s+(?:\w+\s+)?(\w+)$", text, re.IGNORECASE)
    if noun is None:
        return False
    return vocabulary.knows(text) or vocabulary.knows(f"{noun[1]} {noun[2]}")


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


def _begins_known(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text begins with a known wording, which may hold a link or two itself."""
    ends = [link.start() for link in islice(_SOFT.finditer(text), _LINKS_INSIDE)]
    return any(vocabulary.knows(text[:end]) for end in (*ends, len(text)))


def _parts_here(left: str, right: str, link: str, vocabulary: Vocabulary) -> bool:
    if _DENIED_INSIDE.match(link + right) or DENIED.match(right):
        return True
    end = _SOFT.search(right)
    following = right[: end.start()] if end else right
    if _AT_ONCE.match(right) or not following.strip():
        return False
    subject = vocabulary.subject.match(right.lower() + " ")
    if subject and right[subject.end() :].strip():
        return first_verb(right[subject.end() :]) in vocabulary.forms or bool(subject["be"])
    stated = vocabulary.normalise(left)
    if DENIED.match(without_subject(left, vocabulary)):
        return first_verb(right) in vocabulary.forms
    if _HELD.match(stated) and "," not in link:
        return False
    if "," in link and WAY_PHRASE.fullmatch(following.strip()):
        return bool(SIDE.search(left) or re.search(rf"\b{WAY}\b", left))
    if _begins_known(right, vocabulary):
        return True
    # Another verb in the same form starts another action where the first one is complete.
    form = vocabulary.forms.get(first_verb(right))
    own = vocabulary.forms.get(first_verb(without_subject(left, vocabulary)))
    refers_back = REFERS_BACK.search(following) and not THING.search(left)
    same = form and own and form[1] == own[1] and form[0] != own[0]
    return bool(same and not refers_back and vocabulary.knows(left))
