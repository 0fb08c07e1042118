"""Everything that a run needs, gathered and hashed before the first motion is made."""

import platform
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from backend.checkpoints.loading import EMBEDDED, Checkpoint
from backend.evaluation.benchmark.evaluation_context import EvaluationContext, open_yardstick
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.real_motions import SPLIT
from backend.evaluation.benchmark.suites import VARIED, Suites, make_suites, suite_notes
from backend.evaluation.benchmark.worker import Place, Shard, digest
from backend.evaluation.evaluators.embedded import EVALUATOR
from backend.generation.generator import Generator
from backend.generation.prompt_reader import PromptReader
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES
from backend.text.encoding import MINILM
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.edit import Edit
from backend.unlearning.edit_name import JOIN, EditName
from backend.unlearning.edit_store import EditStore, edit_folders
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS
from shared import VERSION
from shared.errors import PlacidError
from shared.protocol.requests import Generate, Timeline
from shared.registry import unknown

ORIGINAL, D_R = "original", "retrain"
# D_r is trained by one recipe with several seeds: its further runs are the edits of the concept
# `violence_seed1` and so on, and the rows `retrain-seed1` and so on.
_RUN: Final = re.compile(rf"{D_R}-seed(\d+)")
_RUN_CONCEPT: Final = "{concept}_seed{number}"
_COMBINED: Final = "lcr+uce"
_MOST_RUNS: Final = 100
# Seeds of two replications never meet.
_APART: Final = 1_000_003


def is_d_r(method: str) -> bool:
    """Whether a row is a run of D_r, the model that never learned the concept."""
    return method == D_R or _RUN.fullmatch(method) is not None


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
        for method in _methods(request, store, model, concept):
            try:
                files = _edit_files(generator, model, method, request.concept)
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
        *_reference_notes(context),
        *_foreign_evaluator(checkpoint, context),
        *_run_notes(rows),
        *_unknown_prompts(generator, suites),
    ]
    manifest = {
        "protocol": msgspec.to_builtins(request.protocol),
        "concept": concept.name,
        "seed": request.seed,
        "rows": rows,
        "edits": {name: _told(content) for name, content in contents.items()},
        "sampling": {m: msgspec.to_builtins(request.protocol.sampled(m)) for m in rows},
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
    place = Place(request.checkpoint, context.place, contents, request.encoder)
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


def _told(content: bytes) -> dict[str, Any]:
    """What an edit's file says of itself: method, parameters, texts, presets; no weights."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edit.safetensors"
        path.write_bytes(content)
        edit = Edit.load(path)
    return {
        "method": edit.method,
        "concept": edit.concept,
        "parameters": edit.parameters,
        "hash": edit.hash,
        "presets": edit.provenance.get("presets", []),
    }


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


def _reference_notes(context: EvaluationContext) -> Iterator[str]:
    """Where there are too few real motions for a Frechet distance to mean much."""
    width = context.evaluator.width
    for name, count in (
        ("forget", int(context.is_forget.sum())),
        ("retain", int((~context.is_forget).sum())),
    ):
        if count <= width:
            yield (
                f"FID of the {name} suite is against {count} real motions in {width} dimensions: "
                "their covariance has no full rank, so that its value says little and differences "
                "between rows alone can be read"
            )


def _foreign_evaluator(checkpoint: Checkpoint, context: EvaluationContext) -> Iterator[str]:
    """Where an official release is measured by Placid's own evaluator."""
    if context.evaluator.name == "embedded" and checkpoint.encoder != MINILM:
        yield (
            "these official weights were measured by Placid's embedded evaluator and its free "
            "motion capture, not by the published one: no figure compares with a published one; "
            "name HumanML3D's or Motion-X's folder with --data"
        )


def _run_notes(rows: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """How many runs of D_r there are."""
    for model, methods in rows.items():
        count = sum(map(is_d_r, methods))
        if count == 1:
            yield f"{model} has one run of D_r: how far its runs lie apart is not known"


def _unknown_prompts(generator: Generator, suites: Suites) -> Iterator[str]:
    """A sentence for each suite with prompts that the model does not know."""
    for suite, items in suites.items():
        prompts = list(dict.fromkeys(item.prompt for item in items))
        found = [generator.understand(Generate(prompt)) for prompt in prompts]
        unknown_ones = [each for each in found if each and not each.known]
        if unknown_ones:
            count = f"{len(unknown_ones)} of {len(prompts)} prompts"
            yield f"{suite}, {count}, such as this one: {unknown_ones[0].warning}"


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


def _methods(request: Request, store: EditStore, model: str, concept: Concept) -> Sequence[str]:
    """The methods to try for a model; those that train are there where they have an edit."""
    files = store.files()
    filed = {n.method for n in files if (n.model, n.concept) == (model, concept.name)}
    runs = sorted(
        f"{D_R}-seed{number}"
        for number in range(_MOST_RUNS)
        if EditName(model, D_R, _RUN_CONCEPT.format(concept=concept.name, number=number)) in files
    )
    for method in request.methods:
        for part in method.split(JOIN):
            if part not in {*METHODS, ORIGINAL} and not is_d_r(part):
                raise unknown("method", part, {*METHODS, ORIGINAL})
    if request.methods:
        return [method for method in dict.fromkeys(request.methods) if method != ORIGINAL]
    quick = [name for name, method in METHODS.items() if method.data != "motions"]
    trained = [name for name in METHODS if name in filed and name not in quick]
    others = sorted(filed - set(quick) - set(trained) - {_COMBINED})
    return [*quick, _COMBINED, *trained, *others, *runs]


def _edit_files(generator: Generator, model: str, method: str, text: str) -> dict[str, bytes]:
    """The files of a row's edits by name, tried on the networks.

    Raises PlacidError when there is no such edit, or it was made for other weights.
    """
    store = generator.edits
    if found := _RUN.fullmatch(method):
        text = _RUN_CONCEPT.format(concept=find_concept(text).name, number=found[1])
        method = D_R
    edits = store.find(model, method, [text])
    store.activate(generator.load().networks, edits, 1.0)
    store.revert()
    files = {}
    for edit in edits:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{model}-{edit.method}-{edit.concept}.safetensors"
            edit.save(path)
            files[path.name] = path.read_bytes()
    return files
