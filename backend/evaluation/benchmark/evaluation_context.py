"""What a run measures with: an evaluator and real motions, embedded ones or a data set's own."""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from backend.datasets.layouts import HUMANML3D, MOTION_X, Layout, find_layout, has_layout
from backend.datasets.problems import ProblemTable
from backend.datasets.splits import (
    PUBLISHED_LISTS,
    IdList,
    Match,
    forget_and_retain,
    read_ids,
    recognise,
)
from backend.datasets.text_motions import Entry, read_split
from backend.evaluation.benchmark.real_motions import SPLIT, read_motions
from backend.evaluation.evaluators import Evaluator
from backend.evaluation.evaluators.embedded import EVALUATOR, WEIGHTS
from backend.evaluation.evaluators.loading import EvaluatorPlace, find_official, open_evaluator
from backend.evaluation.evaluators.official import STATISTICS
from backend.evaluation.evaluators.reference import LABELS, ROWS, ReferenceRow, load_reference
from backend.unlearning.concept import Concept
from shared.errors import PlacidError

# What the folder of an evaluator has, as `backend train evaluator` writes it.
_EVALUATOR: Final = (WEIGHTS, ROWS, LABELS)


@dataclass(frozen=True, eq=False)
class EvaluationContext:
    """An evaluator and N real motions.

    Attributes:
        place: of the evaluator, for workers.
        rows: what each motion is; its first caption is a prompt.
        embed: gives their embeddings, float32 (N, D). Those of a data set are read from the file
            that it is called with, or made and written there.
        is_forget: bool (N,), which motions show the concept.
        concept: with the keywords that found them.
        hashes: SHA-256 of everything that it was read from.
        tokens: tagged words of the captions, where the evaluator reads no others; None where it
            reads any sentence.
        about: what else the protocol file says of it.
        notes: what the reader of the report should know.
        problems: items of the data set that were left out.
    """

    place: EvaluatorPlace
    evaluator: Evaluator
    rows: tuple[ReferenceRow, ...]
    embed: Callable[[Path], np.ndarray]
    is_forget: np.ndarray
    concept: Concept
    hashes: dict[str, str]
    tokens: Mapping[str, Sequence[str]] | None = None
    about: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: ProblemTable = field(default_factory=ProblemTable)

    @property
    def reads_all(self) -> bool:
        """Whether the evaluator reads any sentence, so that written prompts can stand in suites."""
        return self.tokens is None

    def reads(self, captions: Sequence[str]) -> bool:
        """Whether the evaluator can embed all of these captions."""
        return self.tokens is None or all(text in self.tokens for text in captions)

    def toxic(self, caption: str) -> bool:
        """Whether the concept is named, in the tagged words where the evaluator reads those."""
        words = None if self.tokens is None else self.tokens.get(caption)
        return self.concept.matches(caption if words is None else " ".join(words))


def open_yardstick(
    data: Path,
    checkpoint: Path,
    concept: Concept,
    dataset: str | None = None,
    strict: bool = False,
    split: str = SPLIT,
    forget_list: Path | None = None,
) -> EvaluationContext:
    """The yardstick in a folder: as `backend train evaluator` writes it, or a data set's.

    Args:
        checkpoint: folder of the official release, in which the evaluator of a data set is.
        dataset: name of the data set's layout; told by the folders if left out.
        strict: stop at the first broken item of a data set.
        split: of a data set, whose motions are measured with.
        forget_list: file of the ids of a data set that show the concept; found by its keywords if
            left out.

    Raises:
        PlacidError: for what is missing or damaged.
    """
    if dataset is None and (
        data == EVALUATOR or any((data / file).exists() for file in _EVALUATOR)
    ):
        if forget_list is not None:
            raise PlacidError(
                "bad_list", "a list of ids is about a data set; name HumanML3D's with --data"
            )
        return _embedded(data, concept)
    if not has_layout(data):
        raise _no_data(data)
    layout = find_layout(data, dataset)
    ids = None if forget_list is None else read_ids(forget_list)
    return _of_dataset(data, layout, checkpoint, concept, ProblemTable(strict), split, ids)


def _no_data(data: Path) -> PlacidError:
    """The error for a folder with which nothing can be measured."""
    inner = sorted(folder for folder in data.glob("*/") if has_layout(folder))
    if inner:
        return PlacidError(
            "no_data", f"--data {data} has its data set a folder further down; name {inner[0]}"
        )
    if not data.exists():
        state = "does not exist"
    elif not data.is_dir():
        state = "is a file"
    elif any(data.iterdir()):
        state = "holds neither a data set nor an evaluator"
    else:
        state = "is empty"
    return PlacidError(
        "no_data",
        f"--data {data} {state}; name a folder with motions ({HUMANML3D.motions[0]}, or Motion-X's "
        f"{MOTION_X.motions[0]}), captions ({HUMANML3D.texts[0]}), Mean.npy, Std.npy and the split "
        f"files train.txt, val.txt and {SPLIT}.txt, or one that `backend train evaluator` wrote "
        f"({', '.join(_EVALUATOR)})",
    )


def _embedded(data: Path, concept: Concept) -> EvaluationContext:
    reference, place = load_reference(data), EvaluatorPlace(data)
    hashes = {
        name: _sha256((data / file).read_bytes())
        for name, file in {"statistics": ROWS, "split": LABELS, "evaluator": WEIGHTS}.items()
    }
    return EvaluationContext(
        place,
        open_evaluator(place),
        reference.rows,
        lambda _: reference.motion_embeddings,
        reference.forget(concept),
        concept,
        hashes,
    )


def _of_dataset(
    data: Path,
    layout: Layout,
    checkpoint: Path,
    concept: Concept,
    problems: ProblemTable,
    split: str,
    given: IdList | None,
) -> EvaluationContext:
    place = find_official(checkpoint, layout.name)
    published = concept.published is not None and layout.name in concept.published.keywords
    used = concept.as_published(layout.name) if published else concept
    rule: Match = "published" if published else "word"
    entries = read_split(data, layout, split, problems)
    lists = forget_and_retain(entries, used.matches, rule)
    if given is not None:
        named = set(given.ids)
        lists = given, IdList(tuple(entry.id for entry in entries)).without(named)
    tokens = _tokens(entries)
    evaluator = open_evaluator(place, tokens=tokens)
    forget = set(lists[0].ids)
    motions = read_motions(entries, layout, problems)
    if not motions.rows:
        first = f", the first because {problems.rows[0].what}" if len(problems) else ""
        raise PlacidError(
            "no_motions",
            f"no motion of the split {split!r} in {data} can be used ({len(problems)} are broken"
            f"{first}); put {layout.name}'s files into {data / layout.motions[0]}",
        )
    meta = place.folder / STATISTICS / "meta"
    hashes = {
        "statistics": _sha256(*((meta / f"{name}.npy").read_bytes() for name in ("mean", "std"))),
        "split": _sha256(*(ids.text.encode() for ids in lists)),
        "evaluator": evaluator.fingerprint,
        "motions": motions.sha256,
    }
    said = (
        _list_notes(layout, used, rule, lists[0], split)
        if given is None
        else _given_notes(given, {entry.id for entry in entries}, split)
    )
    notes = [*said, *_token_notes(motions.rows, tokens)]
    if len(problems):
        notes.append(f"{len(problems)} broken items of {layout.name}")
    match = rule if given is None else recognise(given) or "own list"
    about = {"data": layout.name, "part": split, "match": match}
    return EvaluationContext(
        place,
        evaluator,
        motions.rows,
        functools.partial(motions.embed, evaluator),
        np.array([name in forget for name in motions.ids]),
        used,
        hashes,
        tokens,
        about,
        tuple(notes),
        problems,
    )


def _tokens(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    tokens: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        for caption in entry.captions:
            if caption.tokens:
                tokens.setdefault(caption.text, caption.tokens)
    return tokens


def _given_notes(given: IdList, there: set[str], split: str) -> Iterator[str]:
    name = recognise(given)
    yield (
        f"the forget set is the published list {name}"
        if name
        else f"the forget set is a list of {len(given.ids)} ids that no publication names"
    )
    missing = sum(name not in there for name in given.ids)
    if missing:
        yield f"{missing} of these ids are not in the split {split!r} and play no part"


def _list_notes(
    layout: Layout, concept: Concept, rule: Match, forget: IdList, split: str
) -> Iterator[str]:
    if rule == "word":
        yield (
            f"the published benchmark has no {concept.name!r} for {layout.name}; its keywords were "
            "looked for as words of the captions"
        )
    known = PUBLISHED_LISTS.get((layout.name, split, concept.name))
    if rule == "published" and known is not None and known.sha256 != forget.sha256:
        yield (
            f"these captions do not give the published forget list of {known.count} ids but one "
            f"of {len(forget.ids)}: figures are not comparable with published ones"
        )


def _token_notes(rows: Sequence[ReferenceRow], tokens: Mapping[str, object]) -> Iterator[str]:
    count = sum(row.captions[0] not in tokens for row in rows)
    if count:
        yield (
            f"{count} of {len(rows)} motions have no caption with tagged words, which the "
            "evaluator reads: suites with one of them have no figures that compare with captions"
        )


def _sha256(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest() if len(contents) > 1 else content)
    return digest.hexdigest()
