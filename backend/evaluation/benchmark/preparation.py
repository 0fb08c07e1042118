"""Everything that a run needs, gathered and hashed before the first motion is made."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from backend.checkpoints.loading import EMBEDDED
from backend.evaluation.benchmark.evaluation_context import EvaluationContext, open_yardstick
from backend.evaluation.benchmark.notes import (
    foreign_evaluator,
    reference_notes,
    run_notes,
    unknown_prompts,
)
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.real_motions import SPLIT
from backend.evaluation.benchmark.rows import (
    ORIGINAL,
    edit_files,
    guard_limits,
    methods_of,
    told_edit,
)
from backend.evaluation.benchmark.suites import VARIED, Suites, make_suites, suite_notes
from backend.evaluation.benchmark.worker import Place, Shard, digest
from backend.evaluation.evaluators.embedded import EVALUATOR
from backend.evaluation.judges import find_judge
from backend.generation.generator import Generator
from backend.generation.prompt_reader import PromptReader
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.edit_store import EditStore, edit_folders
from backend.unlearning.errors import UnlearningError
from shared import VERSION
from shared.errors import PlacidError
from shared.protocol.requests import Generate, Timeline
from shared.registry import unknown

# Seeds of two replications never meet.
_APART: Final = 1_000_003


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        checkpoint: folder of the networks.
        data: folder of an evaluator and its reference motions, or of a data set.
        edits: folder of edits to use instead of the checkpoint's own.
        methods, models: names; all that there are if empty.
        encoder: folder of CLIP's files, for official checkpoints.
        dataset: layout of a data set; told by the folders of `data` if left out.
        strict: whether a broken item of a data set is an error.
        split: of a data set, whose motions are measured with.
        forget_list: file of the ids of a data set that show the concept.
    """

    protocol: Protocol
    concept: str = "violence"
    seed: int = 0
    checkpoint: Path = EMBEDDED
    data: Path = EVALUATOR
    edits: Path | None = None
    methods: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    encoder: Path | None = None
    dataset: str | None = None
    strict: bool = False
    split: str = SPLIT
    forget_list: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """A run that can begin.

    Attributes:
        rows: the methods of each model, the original first.
        notes: what was left out, and why; and what the reader should know.
        manifest: for the protocol file.
        parts: by suite and prompt, the actions that a prompt is parted into, where it is.
    """

    request: Request
    concept: Concept
    context: EvaluationContext
    suites: Suites
    rows: dict[str, tuple[str, ...]]
    place: Place
    names: Mapping[tuple[str, str], tuple[str, ...]]
    notes: tuple[str, ...]
    manifest: dict[str, Any]
    parts: dict[str, list[str]] = field(default_factory=dict)

    def prompts(self) -> list[dict[str, Any]]:
        """Every prompt with its suite, length, class, parts and the seeds of its replications."""
        protocol = self.request.protocol
        return [
            {
                "suite": suite,
                "prompt": item.prompt,
                "tokens": item.tokens,
                "kind": item.kind,
                "parts": self.parts.get(item.prompt, [item.prompt]),
                "seeds": [
                    self.request.seed + repeat * _APART + number
                    for repeat in range(1 if suite == VARIED else protocol.repeats)
                ],
            }
            for suite, items in self.suites.items()
            for number, item in enumerate(items)
        ]

    def shards(self) -> list[Shard]:
        """All the work, in an order in which a broken run has something to show early."""
        protocol = self.request.protocol
        return [
            Shard(
                model,
                method,
                suite,
                repeat,
                start // protocol.chunk,
                self.names.get((model, method), ()),
                items[start : start + protocol.chunk],
                tuple(
                    self.request.seed + repeat * _APART + i
                    for i in range(start, min(start + protocol.chunk, len(items)))
                ),
            )
            for repeat in range(protocol.repeats)
            for suite, items in self.suites.items()
            if repeat == 0 or suite != VARIED
            for model, methods in self.rows.items()
            for method in methods
            for start in range(0, len(items), protocol.chunk)
        ]


def prepare(request: Request) -> Prepared:
    """Find the edits, suites and reference motions of a run, and hash them.

    Raises:
        PlacidError: for names that nobody knows and for anything that is missing or damaged.
    """
    concept = _concept(request.concept)
    store = EditStore((request.edits,) if request.edits else edit_folders(request.checkpoint))
    generator = Generator(request.checkpoint, "cpu", store, encoder_folder=request.encoder)
    checkpoint = generator.load()
    request = replace(request, protocol=request.protocol.suited(checkpoint.guidance))
    models = _chosen("model", request.models, checkpoint.models())
    contents: dict[str, bytes] = {}
    rows, names, notes = {}, {}, []
    for model in models:
        found = [ORIGINAL]
        for method in methods_of(request.methods, store, model, concept):
            try:
                files = edit_files(generator, model, method, request.concept)
            except PlacidError as error:
                if request.methods:
                    raise
                notes.append(f"{model} has no row {method}: {error}")
                continue
            found.append(method)
            names[model, method] = tuple(files)
            contents |= files
        rows[model] = tuple(found)
    missing = sorted({"momask", "bamm"} - set(checkpoint.models()))
    if missing and not request.models:
        notes.append(f"the checkpoint has no {' and no '.join(missing)}")
    generator.edits.revert()
    # Embeddings are made here with as many threads as everywhere else.
    torch.set_num_threads(request.protocol.threads)
    context = open_yardstick(
        request.data,
        request.checkpoint,
        concept,
        request.dataset,
        request.strict,
        request.split,
        request.forget_list,
    )
    is_forget = context.is_forget
    if min(is_forget.sum(), (~is_forget).sum()) < 2:
        raise PlacidError(
            "empty_split",
            f"of {len(context.rows)} reference motions {is_forget.sum()} show {concept.name!r}; "
            "at least 2 must and 2 must not, so choose another concept",
        )
    notes += context.notes
    suites = make_suites(
        concept, context.rows, is_forget, request.protocol, written=context.reads_all
    )
    notes += [
        *suite_notes(concept, suites, context.reads_all),
        *reference_notes(context),
        *foreign_evaluator(checkpoint, context),
        *run_notes(rows),
        *unknown_prompts(generator, suites),
    ]
    manifest = {
        "protocol": msgspec.to_builtins(request.protocol),
        "concept": concept.name,
        "seed": request.seed,
        "rows": rows,
        "edits": {name: told_edit(content) for name, content in contents.items()},
        "sampling": {m: msgspec.to_builtins(request.protocol.sampled(m)) for m in rows},
        "token_guard": guard_limits(generator, request.checkpoint, concept, rows),
        "evaluator": context.evaluator.name,
        "reference": {
            "forget": int(is_forget.sum()),
            "retain": int((~is_forget).sum()),
            "dimensions": context.evaluator.width,
        },
        "sha256": {
            "checkpoint": checkpoint.hashes,
            "edits": {name: digest(content) for name, content in contents.items()},
            "suites": {name: digest(msgspec.json.encode(part)) for name, part in suites.items()},
            "concept": digest(msgspec.json.encode(concept)),
            "checks": find_judge("checks").version(),
            **context.hashes,
        },
        **context.about,
        "versions": {
            "placid": VERSION,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }
    place = Place(request.checkpoint, context.place, contents, request.encoder, request.concept)
    return Prepared(
        request,
        concept,
        context,
        suites,
        rows,
        place,
        names,
        tuple(notes),
        manifest,
        _parts(request, generator, suites),
    )


def _parts(request: Request, generator: Generator, suites: Suites) -> dict[str, list[str]]:
    """The actions of each prompt that is made as a timeline, as users get it."""
    if request.protocol.whole:
        return {}
    reader = PromptReader(request.checkpoint, generator.load().encoder)
    found = {}
    for item in {item.prompt: item for items in suites.values() for item in items}.values():
        seconds = item.tokens * FRAMES_PER_TOKEN / FPS
        plan = reader.plan(Generate(item.prompt, seconds=seconds), MAX_FRAMES / FPS)
        if isinstance(plan, Timeline):
            found[item.prompt] = [segment.prompt for segment in plan.segments]
    return found


def _concept(text: str) -> Concept:
    try:
        return find_concept(text)
    except UnlearningError as error:
        raise PlacidError("unknown_concept", str(error)) from error


def _chosen(kind: str, wanted: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if name not in known:
            raise unknown(kind, name, known)
    return list(dict.fromkeys(wanted)) or known
