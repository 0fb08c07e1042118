"""Fitting the default to a checkpoint that came without: what is quick at once, counts when idle.

An official or self-trained checkpoint is as safe as the embedded one by default. Matrix edits are
solved in a second and stand in for what needs counts of codes, which take minutes of generating.
Everything is kept beside the checkpoint; nothing that is there is written again.
"""

import collections.abc
from collections.abc import Iterator
from typing import Final, cast

from backend.checkpoints.loading import EMBEDDED
from backend.generation.guard_calibration import calibrate, captioned_motions, safe_motions
from backend.generation.own_motions import (
    Result,
    TokenDrawer,
    Work,
    count_generated,
    generated_sequences,
)
from backend.unlearning.advice import unlearn_command
from backend.unlearning.concept import find_concept
from backend.unlearning.defaults import defaults
from backend.unlearning.edit_name import JOIN, EditName
from backend.unlearning.edit_store import edit_folders
from backend.unlearning.fit import statistics_file, statistics_folders
from backend.unlearning.guard_limits import find_limits, guard_folders
from backend.unlearning.registry import METHODS
from backend.unlearning.token_sequences import COUNTS as SEQUENCES
from backend.unlearning.watched_concept import usable_statistics
from shared.concepts import VIOLENCE
from shared.errors import PlacidError
from shared.safety_choice import TOKEN_GUARD, split_guard

# Motions that codes are counted in, half of them of the concept.
_COUNTED: Final = 400
FIT_DEFAULT: Final = "default"
# What methods learn from that the model itself has to draw.
_COUNTING: Final = {"statistics", "sequences"}


def fit_at_once(generator: TokenDrawer) -> list[str]:
    """Fit and keep the parts of the default that need prompts alone; says what was done.

    A folder that cannot be written to keeps nothing: the edits are then made for every session.
    """
    if generator.folder == EMBEDDED:
        return []
    told = [
        _kept(generator, name)
        for name in _missing_edits(generator)
        if METHODS[name.method].data == "text"
    ]
    if told and not default_is_fitted(generator):
        make = unlearn_command(FIT_DEFAULT, checkpoint=generator.folder)
        told.append(f"{defaults().safety} needs counts of the model's codes: `{make}` makes them")
    return told


def fit_when_idle(generator: TokenDrawer) -> Iterator[str]:
    """The rest of the default, in steps of a few seconds; yields what is being done, for people."""
    if generator.folder == EMBEDDED:
        return
    for model in generator.load().models():
        try:
            yield from _counts(generator, model)
            for name in _missing_edits(generator):
                if name.model == model and METHODS[name.method].data in _COUNTING:
                    yield f"fitting {name.method} to {model}"
                    yield _kept(generator, name)
            yield from _limits(generator, model)
        except PlacidError as error:
            yield f"the default safety of {model} could not be fitted ({error})"


def default_is_fitted(generator: TokenDrawer) -> bool:
    """Whether every part of the default lies beside the checkpoint."""
    if generator.folder == EMBEDDED:
        return True
    return not _missing_edits(generator) and not any(
        _lacks_limits(generator, model) for model in generator.load().models()
    )


def _missing_edits(generator: TokenDrawer) -> list[EditName]:
    """The edits of the default, and of what stands in for it, that no file holds."""
    weights, _ = split_guard(defaults().safety)
    parts = weights.split(JOIN) if weights else []
    if any(METHODS[part].data in _COUNTING for part in parts):
        parts.append(defaults().otherwise[0])
    files = generator.edits.files()
    names = [
        EditName(model, part, VIOLENCE)
        for model in generator.load().models()
        for part in dict.fromkeys(parts)
    ]
    return [name for name in names if name not in files and METHODS[name.method].data != "motions"]


def _kept(generator: TokenDrawer, name: EditName) -> str:
    [edit] = generator.edits.find(name.model, name.method, [name.concept])
    path = edit_folders(generator.folder)[-1] / name.file
    try:
        edit.save(path)
    except PlacidError as error:
        return f"{name} was fitted to this checkpoint but could not be kept ({error})"
    return f"{name} was fitted to this checkpoint, which came without it: {path}"


def _counts(generator: TokenDrawer, model: str) -> Iterator[str]:
    """Count the codes of the model's own motions, where the default needs counts and has none."""
    folders, concept = statistics_folders(generator.folder), find_concept(VIOLENCE)
    kinds = {METHODS[name.method].data for name in _missing_edits(generator)}
    runs = folders[-1] / statistics_file(VIOLENCE, SEQUENCES)
    if "sequences" in kinds and not runs.exists():
        drawn = yield from _told(
            generated_sequences(generator, concept, model, _COUNTED), f"drawing runs of {model}"
        )
        drawn.save(runs)
    needed = _lacks_limits(generator, model) or bool(kinds & _COUNTING)
    generator.edits.revert()
    if not needed or usable_statistics(generator.load(), concept, folders) is not None:
        return
    counted = yield from _told(
        count_generated(generator, concept, model, _COUNTED), f"counting the codes of {model}"
    )
    counted.save(folders[-1] / statistics_file(VIOLENCE, "generated"))


def _limits(generator: TokenDrawer, model: str) -> Iterator[str]:
    """Find the token guard's limits, where the default has the guard and they are missing."""
    if not _lacks_limits(generator, model):
        return
    concept, folders = find_concept(VIOLENCE), statistics_folders(generator.folder)
    motions = yield from _told(
        captioned_motions(generator, model), f"finding the token guard's limits for {model}"
    )
    found = calibrate(generator, concept, model, folders, safe_motions(motions, concept))
    found.save(guard_folders(generator.folder)[-1] / found.file)
    yield f"the {TOKEN_GUARD} of {model} has its limits"


def _lacks_limits(generator: TokenDrawer, model: str) -> bool:
    folders, concept = guard_folders(generator.folder), find_concept(VIOLENCE)
    _, guarded = split_guard(defaults().safety)
    return guarded and find_limits(generator.load(), model, concept, folders) is None


def _told(work: Work[Result], what: str) -> collections.abc.Generator[str, None, Result]:
    """The work with sentences instead of fractions; returns what it makes."""
    while True:
        try:
            fraction = next(work)
        except StopIteration as end:
            return cast(Result, end.value)
        yield f"{what}, {fraction:.0%}"
