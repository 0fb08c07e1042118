"""Everything that a run needs, gathered and hashed before the first motion is made."""

import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from backend.checkpoints.loading import EMBEDDED
from backend.evaluation.benchmark.evaluation_context import EvaluationContext, open_yardstick
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.suites import Suites, make_suites
from backend.evaluation.benchmark.worker import Place, Shard, digest
from backend.evaluation.evaluators.embedded import EVALUATOR
from backend.generation.generator import Generator
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.edit_name import JOIN
from backend.unlearning.edit_store import EditStore, edit_folders
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS
from shared import VERSION
from shared.errors import PlacidError
from shared.protocol.requests import Generate
from shared.registry import unknown

ORIGINAL, D_R = "original", "retrain"
_COMBINED: Final = "lcr+uce"
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


@dataclass(frozen=True)
class Prepared:
    """A run that can begin.

    Attributes:
        rows: the methods of each model, the original first.
        notes: what was left out, and why.
        facts: for the protocol file.
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
        request.data, request.checkpoint, concept, request.dataset, request.strict
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
    notes += _unknown_prompts(generator, suites)
    manifest = {
        "protocol": msgspec.to_builtins(request.protocol),
        "concept": concept.name,
        "seed": request.seed,
        "rows": rows,
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
    return Prepared(request, concept, context, suites, rows, place, names, tuple(notes), manifest)


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
    filed = {n.method for n in store.files() if (n.model, n.concept) == (model, concept.name)}
    for method in request.methods:
        for part in method.split(JOIN):
            if part not in {*METHODS, ORIGINAL}:
                raise unknown("method", part, {*METHODS, ORIGINAL})
    if request.methods:
        return [method for method in dict.fromkeys(request.methods) if method != ORIGINAL]
    quick = [name for name, method in METHODS.items() if method.data != "motions"]
    trained = [name for name in METHODS if name in filed and name not in quick]
    others = sorted(filed - set(quick) - set(trained) - {_COMBINED})
    return [*quick, _COMBINED, *trained, *others]


def _edit_files(generator: Generator, model: str, method: str, text: str) -> dict[str, bytes]:
    """The files of a row's edits by name, tried on the networks.

    Raises PlacidError when there is no such edit, or it was made for other weights.
    """
    store = generator.edits
    edits = store.find(model, method, [text])
    store.activate(generator.load().networks, edits, 1.0)
    store.revert()
    files = {}
    for edit in edits:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{model}-{edit.method}.safetensors"
            edit.save(path)
            files[path.name] = path.read_bytes()
    return files
