"""Forget and retain splits: which ids of a split speak of a concept (Human Motion Unlearning)."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from backend.datasets.layouts import DatasetName
from backend.datasets.text_motions import Entry
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_text, read_bytes
from shared.errors import PlacidError
from shared.files import written_whole

Match = Literal["published", "word"]


@dataclass(frozen=True)
class IdList:
    """Ids in the order of the split file."""

    ids: tuple[str, ...]

    @property
    def text(self) -> str:
        """An id a line, each line ended."""
        return "".join(f"{name}\n" for name in self.ids)

    @property
    def sha256(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def without(self, left_out: Iterable[str]) -> "IdList":
        """The list without some ids."""
        gone = set(left_out)
        return IdList(tuple(name for name in self.ids if name not in gone))

    def save(self, path: Path) -> None:
        """Write the text, whole or not at all. Raises PlacidError `not_writable`."""
        with written_whole(path) as file:
            file.write(self.text.encode())


@dataclass(frozen=True)
class PublishedList:
    """What is known of a forget list of the benchmark: how many ids, and their SHA-256."""

    count: int
    sha256: str


PUBLISHED_LISTS: Final[dict[tuple[DatasetName, str, str], PublishedList]] = {
    ("HumanML3D", "test", "violence"): PublishedList(
        304, "03dd3d493e41a2d46c388c8e9d78a0a3e90ddc0a126905eb5c80a4c9665c8b64"
    )
}


# SafeMo's three lists of HumanML3D ids, by what its repository calls them; how the last two were
# chosen is not written down, so that they can be recognised, and not made.
SAFEMO_LISTS: Final[dict[str, PublishedList]] = {
    "lcr_official_test": PUBLISHED_LISTS["HumanML3D", "test", "violence"],
    "lcr_wholeset_reimplementation": PublishedList(
        2194, "322543e751dcf489d78108cdb4bde3bf1899cd91f84a119e6c1d21a5dde9bcee"
    ),
    "safemo_unsafe": PublishedList(
        2618, "827939bd1e1bb2266643012953ed2fca31c87fa3861fdbf622984e108e836ce4"
    ),
}


def recognise(ids: IdList) -> str | None:
    """The name of the published list that these ids are, in their order; None for no such one."""
    for name, known in SAFEMO_LISTS.items():
        if (known.count, known.sha256) == (len(ids.ids), ids.sha256):
            return name
    return None


def read_ids(path: Path) -> IdList:
    """A list of ids, one a line.

    Raises:
        PlacidError: `bad_list` when it cannot be read or names an id twice.
    """
    kind = FileKind(
        "a list of ids",
        "give one with an id a line, as `backend splits` writes",
        lambda sentence: PlacidError("bad_list", sentence),
        when_missing=True,
    )
    with kind.reading(path):
        names = [line.strip() for line in decode_text(read_bytes(path)).splitlines()]
        ids = tuple(name for name in names if name)
        if len(set(ids)) < len(ids) or not ids:
            raise DecodeError("names no id at all, or one of them twice")
    return IdList(ids)


def forget_and_retain(
    entries: Sequence[Entry], matches: Callable[[str], bool], match: Match
) -> tuple[IdList, IdList]:
    """Ids with a caption that matches, and the others; both in the entries' order.

    Args:
        matches: whether a text speaks of the concept.
        match: "published" shows it whole lines of the caption files, with their tokens; "word"
            the captions alone.
    """
    forget: list[str] = []
    retain: list[str] = []
    for entry in entries:
        texts = [c.line if match == "published" else c.text for c in entry.captions]
        (forget if any(map(matches, texts)) else retain).append(entry.id)
    return IdList(tuple(forget)), IdList(tuple(retain))
