"""Where the token guard draws the line: its limits for a model and a concept, and their source.

They are a small JSON file beside the code statistics, written by `backend unlearn token_guard`, and
belong to one model: other codebooks, other weights or another text encoder have other limits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from backend.assets import ASSETS, user_data_folder
from backend.checkpoints.loading import EMBEDDED, Checkpoint
from backend.unlearning.concept import Concept
from backend.unlearning.edit_name import check_concept_name
from backend.unlearning.errors import UnlearningError
from backend.unlearning.statistics import codebook_hash
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_json, read_bytes
from shared.files import make_folder, write_whole
from shared.safety_choice import TOKEN_GUARD

GUARDS: Final = ASSETS / "guards"
_VERSION: Final = 1
_KIND: Final = FileKind(
    "limits of the token guard", f"write them with `backend unlearn {TOKEN_GUARD}`", UnlearningError
)


class GuardLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides that tokens are drawn anew.

    Attributes:
        version: of the format.
        model, concept, keywords: whose limits these are.
        weights: SHA-256 of the files of the networks that draw and decode base tokens.
        codebook: `codebook_hash` of the tokens.
        encoder: name of the text encoder.
        counts: which statistics the scores come from; see `LCRParameters.counts`.
        margin: a prompt with a larger text margin asks for the concept.
        asked: the largest score of a motion whose prompt asks for it.
        drawn: the largest score of any other motion.
        margin_source, score_source: how the limits were found, in words.
        checked: what they did on validation prompts, plain figures; nothing was chosen by them.
    """

    version: int
    model: str
    concept: str
    keywords: tuple[str, ...]
    weights: dict[str, str]
    codebook: str
    encoder: str
    counts: str
    margin: float
    asked: float
    drawn: float
    margin_source: str
    score_source: str
    checked: dict[str, Any] = {}

    @property
    def file(self) -> str:
        """Its file's name."""
        return guard_file(self.model, self.concept)

    def save(self, path: Path) -> None:
        """Write the limits; whole or not at all. Raises PlacidError `not_writable`."""
        make_folder(path.parent)
        write_whole(path, msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read limits. Raises UnlearningError when they are absent or damaged."""
        with _KIND.reading(path):
            limits = decode_json(read_bytes(path), cls)
            if limits.version != _VERSION:
                raise DecodeError(f"is of version {limits.version}")
        return limits

    @classmethod
    def of(cls, checkpoint: Checkpoint, model: str, concept: Concept, **found: Any) -> Self:
        """Limits for a model of a checkpoint as it is in memory, without edits."""
        return cls(
            version=_VERSION,
            model=model,
            concept=concept.name,
            keywords=concept.keywords,
            weights=_weights(checkpoint, model),
            codebook=codebook_hash(checkpoint.networks),
            encoder=checkpoint.encoder,
            **found,
        )

    def noted(self, checked: dict[str, Any]) -> Self:
        """The limits with what they did on validation prompts."""
        return msgspec.structs.replace(self, checked=checked)

    def is_for(self, checkpoint: Checkpoint, concept: Concept) -> bool:
        """Whether they were found with these weights, and for this concept."""
        return (self.weights, self.encoder, self.keywords) == (
            _weights(checkpoint, self.model),
            checkpoint.encoder,
            concept.keywords,
        )


def guard_folders(checkpoint: Path) -> tuple[Path, ...]:
    """Where limits for a checkpoint lie; the last is the place for new ones."""
    if checkpoint == EMBEDDED:
        return GUARDS, user_data_folder() / "guards"
    return (checkpoint / "guards",)


def guard_file(model: str, concept: str) -> str:
    """File name of the limits. Raises UnlearningError for a concept that can name no file."""
    check_concept_name(concept)
    return f"{model}-{concept}.json"


def find_limits(
    checkpoint: Checkpoint, model: str, concept: Concept, folders: Sequence[Path]
) -> GuardLimits | None:
    """The first limits in folders that were found with these weights; None where there are none.

    Raises UnlearningError for a file that is damaged.
    """
    for folder in folders:
        path = folder / guard_file(model, concept.name)
        if path.exists() and (limits := GuardLimits.load(path)).is_for(checkpoint, concept):
            return limits
    return None


def _weights(checkpoint: Checkpoint, model: str) -> dict[str, str]:
    """By the files: what is in memory may be edited."""
    names = ("rvq", "masked" if model == "momask" else "bamm")
    return {name: checkpoint.hashes.get(name, "") for name in names}
