"""The words that a model was trained on: wordings of actions, and what stands around them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from backend.text.inflection import FORMS, Form, inflect

_GENERAL_SUBJECTS: Final = (
    *("person", "man", "woman", "someone", "somebody", "human being", "human", "figure"),
    *("character", "girl", "boy", "individual", "he", "she", "they", "people", "guy", "player"),
    *("fighter", "boxer", "dancer", "child", "kid", "lady", "actor", "robot", "it", "you", "i"),
)
LINK: Final = re.compile(
    r"(?:, |,? )(?:and then|then|and|afterwards|next|followed by) |, (?:and then |then )?"
)


@dataclass(frozen=True)
class Vocabulary:
    """What captions can say.

    Attributes:
        wordings: verb and noun phrases of actions in every form, without subject and manner.
        verbs: base forms of the verbs in them.
        subjects: nouns for people who do typical things, beside the general ones.
        modifiers: adverbs and phrases of style and speed.
        counts: adverbs and phrases of number.
        settings: places and occasions.
    """

    wordings: tuple[str, ...]
    verbs: tuple[str, ...]
    subjects: tuple[str, ...]
    modifiers: tuple[str, ...]
    counts: tuple[str, ...]
    settings: tuple[str, ...]

    @cached_property
    def forms(self) -> dict[str, tuple[str, Form]]:
        """Every form of every verb, with its base and which form it is; base forms win."""
        forms: dict[str, tuple[str, Form]] = {}
        for form in reversed(FORMS[:-1]):
            forms |= {inflect(verb, form): (verb, form) for verb in self.verbs}
        return forms | {verb: (verb, "base") for verb in self.verbs}

    @cached_property
    def subject(self) -> re.Pattern[str]:
        """Matches who acts at the start of a lower-case text, with "is" or "are" behind it."""
        nouns = "|".join(map(re.escape, _longest_first((*self.subjects, *_GENERAL_SUBJECTS))))
        return re.compile(
            rf"^(?P<who>(?:(?:a|an|the|some|two|this|that|one) (?:\w+ )?)?(?:{nouns}))"
            r"(?: (?P<be>is|are|was|were))? "
        )

    @cached_property
    def _setting_end(self) -> re.Pattern[str]:
        return re.compile(rf"(?: (?:{'|'.join(map(re.escape, self.settings))}))+$")

    @cached_property
    def _modifier(self) -> re.Pattern[str]:
        return _any_of(self.modifiers)

    @cached_property
    def _count(self) -> re.Pattern[str]:
        return _any_of(self.counts)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(map(self.normalise, self.wordings))

    def normalise(self, text: str) -> str:
        """A prompt reduced to its verb phrases: no subject, manner, place, possessive, period."""
        text = re.sub(r"[^\w\s,'-]", "", text.lower()).strip(" ,")
        text = self._setting_end.sub("", self.subject.sub("", text))
        text = re.sub(r"\b(?:his|her|its|their)\b", "the", text)
        text = self._modifier.sub("", text)
        return re.sub(r"\s+", " ", text).strip(" ,")

    def knows(self, text: str) -> bool:
        """Whether a text is one wording, apart from subject, manner, number and setting."""
        text = self.normalise(text)
        # A wording may name a number itself ("hop repeatedly"): it is only left out if need be.
        return text in self._known or self.normalise(self._count.sub("", text)) in self._known

    def knows_all(self, text: str) -> bool:
        """Whether a text is made of wordings, one after another."""
        text = self.normalise(text)
        # A wording may hold a link itself ("jump and kick"): every link is tried as the border.
        return self.knows(text) or any(
            self.knows(text[: link.start()]) and self.knows_all(text[link.end() :])
            for link in LINK.finditer(text)
        )


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, _longest_first(words)))})\b")


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)
