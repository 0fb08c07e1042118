"""What the words in a bone's name say: a side of the body and a part of it."""

import difflib
import re
from dataclasses import dataclass
from typing import Final, Literal

Side = Literal["left", "right", ""]

# Bones with such a word in their name stand for no joint of ours.
_OTHER_WORDS: Final = """
    twist twst roll bendy ik pole target mch org wgt tweak helper jiggle corrective socket weapon
    finger fingers thumb index middle ring pinky little meta metacarpal carpal palm heel end nub
    tip effector null eye eyes brow lid jaw lip mouth tongue teeth ear nose cheek face hair
    breast bust skirt cloth cape tail wing prop ponytail
"""
_OTHER: Final = frozenset(_OTHER_WORDS.split())
_PARTNERS: Final = {"l": "r", "left": "right", "lf": "rt", "lft": "rgt"}
_LEFT: Final = frozenset(_PARTNERS)
_RIGHT: Final = frozenset(_PARTNERS.values())
_OPPOSITE: Final = _PARTNERS | {right: left for left, right in _PARTNERS.items()}
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")

# Words of one part; sided parts are named as our joints without the side.
_LIMB_WORDS: Final = {
    "hip": "thigh upleg upperleg legupper hip femur upperthigh",
    "knee": "knee shin calf lowerleg leglower lowleg tibia crus",
    "ankle": "ankle",
    "toes": "toe toes toebase ball foottoe football",
    "collar": "clavicle clav collar collarbone scapula",
    "shoulder": "upperarm uparm armupper arm humerus bicep biceps shldr",
    "elbow": "forearm lowerarm lowarm armlower elbow radius ulna",
    "wrist": "hand wrist",
    # Riggers disagree on these: the other bones of the limb decide.
    "leg": "leg",
    "foot": "foot feet",
    "arm root": "shoulder",
}
_MIDDLE_WORDS: Final = {
    "pelvis": "pelvis hips hip cog",
    "spine": "spine chest torso abdomen stomach belly waist ribs ribcage thorax back body",
    "neck": "neck",
    "head": "head skull",
}
_LIMBS: Final = {word: part for part, words in _LIMB_WORDS.items() for word in words.split()}
_MIDDLES: Final = {word: part for part, words in _MIDDLE_WORDS.items() for word in words.split()}
_SHORTEST_WITHIN: Final = 4  # letters of a word that may be found inside a longer one
_ALIKE: Final = 0.8  # of difflib's ratio, from which a misspelt word counts


@dataclass(frozen=True)
class BoneName:
    """What a name says.

    Attributes:
        side: `left`, `right` or empty.
        part: of the body, in our words; empty when unknown.
    """

    side: Side
    part: str


def read_name(name: str) -> BoneName:
    """Side and part in a bone's name, whatever its namespace, case, order and separators."""
    plain = re.split(r"[:|]", name)[-1]
    words = [word.lower() for word in _WORD.findall(plain)]
    side, words = _take_side(words)
    if not words or _OTHER & set(words):
        return BoneName(side, "")
    known = _LIMBS if side else _MIDDLES
    return BoneName(side, _part(words, known))


def mirror_name(name: str) -> str:
    """The name with left and right exchanged; the same name when it has no side."""
    return _WORD.sub(lambda match: _opposite(match[0]), name)


def _opposite(word: str) -> str:
    lower = word.lower()
    if lower in _OPPOSITE:
        return _in_case_of(word, _OPPOSITE[lower])
    for side in ("left", "right"):
        if lower.startswith(side):
            return _in_case_of(word, _OPPOSITE[side]) + word[len(side) :]
        if lower.endswith(side):
            start = len(word) - len(side)
            return word[:start] + _in_case_of(word[start:], _OPPOSITE[side])
    return word


def _in_case_of(model: str, word: str) -> str:
    if model.isupper():
        return word.upper()
    return word.capitalize() if model[0].isupper() else word


def _take_side(words: list[str]) -> tuple[Side, list[str]]:
    """The side, and the words that are left without it."""
    for side, marks in (("left", _LEFT), ("right", _RIGHT)):
        if marks & set(words):
            return side, [word for word in words if word not in marks]
    for side in ("left", "right"):
        for i, word in enumerate(words):
            if word.startswith(side) or word.endswith(side):
                rest = word.removeprefix(side).removesuffix(side)
                return side, [*words[:i], rest, *words[i + 1 :]]
    return "", words


def _part(words: list[str], known: dict[str, str]) -> str:
    word = "".join(words)
    if word in known:
        return known[word]
    within = [k for k in known if len(k) >= _SHORTEST_WITHIN and k in word]
    within = within or [k for k in words if k in known]
    within = within or difflib.get_close_matches(word, known, n=1, cutoff=_ALIKE)
    return known[max(within, key=len)] if within else ""
