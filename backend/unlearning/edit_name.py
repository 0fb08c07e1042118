"""The names of edits: the one place that knows how model, method and concept make a file's name.

momask-lcr-violence.safetensors
momask-lcr+uce-kick+punch.safetensors
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Self

from backend.unlearning.errors import UnlearningError
from shared.concepts import LONGEST_CONCEPT, concept_name

JOIN: Final = "+"
SUFFIX: Final = ".safetensors"
_MODEL: Final = re.compile(r"[a-z0-9]+")
_METHOD: Final = re.compile(r"[a-z0-9_]+(?:\+[a-z0-9_]+)*")
# Letters of any alphabet; the first is no underscore, so that no name begins like a hidden part.
_CONCEPT: Final = re.compile(r"[^\W_][\w+-]*")


@dataclass(frozen=True, order=True)
class EditName:
    """What an edit is called by.

    Attributes:
        model: `momask` or `bamm`.
        method: a method, or several joined by a plus, in the order in which they are applied.
        concept: what is forgotten.
    """

    model: str
    method: str
    concept: str

    def __str__(self) -> str:
        return f"{self.model}-{self.method}-{self.concept}"

    @property
    def file(self) -> str:
        """The file's name in a folder of edits. Raises UnlearningError when it can be none."""
        if not _MODEL.fullmatch(self.model) or not _METHOD.fullmatch(self.method):
            raise UnlearningError(
                f"the model {self.model!r} with the method {self.method!r} cannot name an edit's "
                "file: use names of letters and digits"
            )
        check_concept_name(self.concept)
        return f"{self}{SUFFIX}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The name in a file's name, with or without its suffix; None when it is no edit's."""
        model, _, rest = text.removesuffix(SUFFIX).partition("-")
        method, _, concept = rest.partition("-")
        fits = _MODEL.fullmatch(model) and _METHOD.fullmatch(method) and _is_concept_name(concept)
        return cls(model, method, concept) if fits else None


def check_concept_name(name: str) -> None:
    """Raise UnlearningError for a concept's name that cannot be part of a file's name.

    Small letters alone, because some file systems take Kick and kick for one name.
    """
    if not _is_concept_name(name):
        shown = name if len(name) <= LONGEST_CONCEPT else f"{name[:LONGEST_CONCEPT]}..."
        raise UnlearningError(
            f"the concept's name {shown!r} cannot be part of a file's name: call it "
            f"{concept_name(name) or 'my_concept'!r}, in small letters, digits, _ and -"
        )


def _is_concept_name(name: str) -> bool:
    return (
        len(name) <= LONGEST_CONCEPT
        and _CONCEPT.fullmatch(name) is not None
        and name == unicodedata.normalize("NFC", name).lower()
    )
