"""The benchmark as one function, and what configures it: a file, a script or the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.checkpoints.loading import EMBEDDED
from backend.evaluation.benchmark.figures import collect
from backend.evaluation.benchmark.html import check_libraries
from backend.evaluation.benchmark.pictures import take_pictures
from backend.evaluation.benchmark.preparation import Prepared, Request, prepare
from backend.evaluation.benchmark.protocols import Protocol, find_protocol
from backend.evaluation.benchmark.real_motions import SPLIT
from backend.evaluation.benchmark.report import write_report
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.run import check_workers, make_missing
from backend.evaluation.benchmark.store import Store
from backend.evaluation.evaluators.embedded import EVALUATOR
from shared.decoding.errors import FileKind
from shared.decoding.text import decode_text, decode_toml, read_bytes
from shared.errors import PlacidError

_SEEDED: Final = ("full", "published", "official")


class EvaluationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is measured; a TOML file has the same fields.

    Attributes:
        protocol: quick, full, published, official or safemo.
        suites, repeats, limit, preset: see `Protocol.changed`.
        concept: a built-in concept, a TOML file, or keywords.
        seed: start of all random numbers; all but quick and safemo ask for it.
        methods, models: names; all that there are if empty.
        checkpoints: folder of a release; the embedded model if left out.
        encoder: folder of CLIP's files, for official checkpoints.
        data: folder of a data set, or of an evaluator; the shipped one if left out.
        dataset: layout of a data set; told by its folders if left out.
        edits: folder of edits to use instead of the checkpoint's own.
        strict: whether a broken item of a data set is an error.
        split: of a data set: test, all and so on.
        forget_list: file with the ids of a data set that show the concept, one a line.
    """

    protocol: str = "quick"
    suites: tuple[str, ...] = ()
    repeats: int | None = None
    limit: int | None = None
    preset: str | None = None
    concept: str = "violence"
    seed: int | None = None
    methods: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    checkpoints: str | None = None
    encoder: str | None = None
    data: str | None = None
    dataset: str | None = None
    edits: str | None = None
    strict: bool = False
    split: str | None = None
    forget_list: str | None = None

    def changed(self, **values: Any) -> "EvaluationConfig":
        """The same with the values that are given; None and empty ones are not."""
        given = {name: value for name, value in values.items() if value not in (None, (), "")}
        return msgspec.structs.replace(self, **given)

    def request(self) -> Request:
        """What it asks for.

        Raises:
            PlacidError: for names that nobody knows, and `no_seed`.
        """
        protocol = self._protocol()
        seed = self.seed if self.seed is not None else protocol.seed
        if seed is None and protocol.name in _SEEDED:
            raise PlacidError(
                "no_seed",
                f"the {protocol.name} protocol needs a --seed, so that it can be repeated",
            )
        return Request(
            protocol,
            self.concept,
            seed or 0,
            _path(self.checkpoints) or EMBEDDED,
            _path(self.data) or EVALUATOR,
            _path(self.edits),
            self.methods,
            self.models,
            _path(self.encoder),
            self.dataset,
            self.strict,
            self.split or SPLIT,
            _path(self.forget_list),
        )

    def _protocol(self) -> Protocol:
        for name, least in (("repeats", 1), ("limit", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise PlacidError("bad_config", f"{name} is {value}; it must be {least} at least")
        return find_protocol(self.protocol).changed(
            self.suites, self.repeats, self.limit, self.preset
        )


def load_config(path: Path) -> EvaluationConfig:
    """Read a configuration file.

    Raises:
        PlacidError: `bad_config`, naming the field that is wrong.
    """
    kind = FileKind(
        "a configuration of `backend eval run`",
        "compare it with those in docs/results",
        lambda sentence: PlacidError("bad_config", sentence),
        when_missing=True,
    )
    with kind.reading(path):
        return decode_toml(decode_text(read_bytes(path)), EvaluationConfig)


def evaluate(
    config: EvaluationConfig | None = None,
    out: Path | None = None,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    announce: Callable[[Prepared, Path], None] = lambda prepared, folder: None,
    **values: Any,
) -> Results:
    """Run the benchmark, or go on with a run; what is measured is returned and lies in `out`.

    Args:
        config: what is measured.
        out: folder of the run; `evaluation/CONCEPT-PROTOCOL` if left out.
        workers, ray_address: processes over Ray.
        announce: told what will be made and in which folder, before the first motion.
        values: fields of the configuration that take the place of its own.

    Raises:
        PlacidError: for names that nobody knows, for what is missing or damaged, and for a folder
            that was begun with other inputs.
    """
    check_workers(workers, ray_address)
    check_libraries()
    prepared = prepare((config or EvaluationConfig()).changed(**values).request())
    name = f"{prepared.concept.name}-{prepared.request.protocol.name}"
    store = Store(out or Path("evaluation") / name)
    store.open(prepared.manifest)
    store.keep_inputs(prepared.place.edits, prepared.prompts())
    announce(prepared, store.folder)
    real = prepared.context.embed(store.real_motions)
    make_missing(prepared, store, workers, ray_address)
    results = collect(prepared, store, real)
    write_report(store, results, take_pictures(prepared, store))
    return results


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
