"""The rows of a run: which methods a model has, and the edits behind them."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.generation.generator import Generator
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.defaults import defaults
from backend.unlearning.edit import Edit
from backend.unlearning.edit_name import JOIN, EditName
from backend.unlearning.edit_store import EditStore
from backend.unlearning.guard_limits import find_limits, guard_folders
from backend.unlearning.registry import METHODS
from shared.registry import unknown
from shared.safety_choice import TOKEN_GUARD, split_guard, with_guard

ORIGINAL, D_R = "original", "retrain"
# D_r is trained by one recipe with several seeds: its further runs are the edits of the concept
# `violence_seed1` and so on, and the rows `retrain-seed1` and so on.
_RUN: Final = re.compile(rf"{D_R}-seed(\d+)")
_RUN_CONCEPT: Final = "{concept}_seed{number}"
_COMBINED: Final = "lcr+uce"
_MOST_RUNS: Final = 100


def is_d_r(method: str) -> bool:
    """Whether a row is a run of D_r, the model that never learned the concept."""
    return method == D_R or _RUN.fullmatch(method) is not None


def methods_of(
    wanted: Sequence[str], store: EditStore, model: str, concept: Concept
) -> Sequence[str]:
    """The methods to try for a model; those that train are there where they have an edit."""
    files = store.files()
    filed = {n.method for n in files if (n.model, n.concept) == (model, concept.name)}
    runs = sorted(
        f"{D_R}-seed{number}"
        for number in range(_MOST_RUNS)
        if EditName(model, D_R, _RUN_CONCEPT.format(concept=concept.name, number=number)) in files
    )
    for method in wanted:
        for part in method.split(JOIN):
            if part not in {*METHODS, ORIGINAL, TOKEN_GUARD} and not is_d_r(part):
                raise unknown("method", part, {*METHODS, ORIGINAL, TOKEN_GUARD})
    if wanted:
        return [method for method in dict.fromkeys(wanted) if method != ORIGINAL]
    quick = [name for name, method in METHODS.items() if method.data != "motions"]
    trained = [name for name in METHODS if name in filed and name not in quick]
    others = sorted(filed - set(quick) - set(trained) - {_COMBINED})
    # The guard is measured on its own and before the edit that comes with it, on and off.
    usual = split_guard(defaults().safety)[0] or quick[0]
    guarded = [TOKEN_GUARD, with_guard(usual, True)]
    return [*quick, _COMBINED, *guarded, *trained, *others, *runs]


def edit_files(generator: Generator, model: str, method: str, text: str) -> dict[str, bytes]:
    """The files of a row's edits by name, tried on the networks.

    Raises PlacidError when there is no such edit, or it was made for other weights.
    """
    store = generator.edits
    weights, guarded = split_guard(method)
    if guarded:
        generator.token_guard(model, (text,))
        if not weights:
            return {}
        method = weights
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


def told_edit(content: bytes) -> dict[str, Any]:
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


def guard_limits(
    generator: Generator, folder: Path, concept: Concept, rows: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """The token guard's limits, by model, where a row has it."""
    folders = guard_folders(folder)
    return {
        model: msgspec.to_builtins(find_limits(generator.load(), model, concept, folders))
        for model, methods in rows.items()
        if any(split_guard(method)[1] for method in methods)
    }
