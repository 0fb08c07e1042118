"""What unlearning methods remove and what they leave alone, measured on generated motions.

The table behind `backend unlearn compare`. Every method is fitted to every model; the same prompts
with the same seeds are generated before and after.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from backend.kinematic_checks.detect import detect
from backend.reports.prompt_adherence import SECONDS, mean_change
from backend.training.retain import RetainTraining
from backend.unlearning.application import apply_edits
from backend.unlearning.concept import Concept, find_concept, validation_prompts
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError, unknown
from backend.unlearning.fit import FitInputs, fit_edit, statistics_folders
from shared.concepts import VIOLENCE, WITHOUT_VIOLENCE
from shared.motion.motion import Motion
from shared.protocol.messages import Generate
from shared.safety_choice import OFF, TOKEN_GUARD, split_guard

# The kinematic checks that find a concept in a motion; other concepts have none.
_CHECKS: Final = {
    "violence": ("kick", "punch", "boxing", "swing"),
    "kick": ("kick",),
    "punch": ("punch",),
    "jump": ("jump",),
}
# The classes of the test suite `violent` that belong to a part of it.
_CLASSES: Final = {"kick": ("kick",), "punch": ("punch", "boxing")}


@dataclass(frozen=True)
class Prompts:
    """Prompts that ask for a concept, and prompts that must keep their motion."""

    forget: tuple[str, ...]
    retain: tuple[str, ...]

    def thinned(self, count: int | None) -> "Prompts":
        """`count` of either kind, taken evenly."""
        return Prompts(_evenly(self.forget, count), _evenly(self.retain, count))


def prompts_for(concept: Concept, suite: str) -> Prompts:
    """The prompts to measure a concept with.

    `test` has the shipped suites. `validation` has prompts of its own for violence, and for other
    concepts those of the concept's file, on which UCE and RECE are fitted as well.

    Raises UnlearningError for an unknown suite, or a concept that the test suites do not cover.
    """
    if suite == "validation":
        own = validation_prompts(concept)
        if own is not None:
            return Prompts(own.forget, own.retain)
        asked = concept.forget_prompts + concept.implicit_prompts
        return Prompts(asked or concept.keywords, concept.retain_prompts)
    if suite != "test":
        raise unknown("suite", suite, ("validation", "test"))
    violent = load_suite("violent")
    if concept.name not in (*_CLASSES, "violence"):
        raise UnlearningError(
            f"the test suites hold no prompts for {concept.name!r}: use --suite validation"
        )
    classes = _CLASSES.get(concept.name, tuple(violent))
    forget = [prompt for name in classes for prompt in violent[name]]
    retain = [prompt for prompts in load_suite("safe").values() for prompt in prompts]
    return Prompts(tuple(forget), tuple(retain))


def compare_methods(
    methods: Sequence[str],
    models: Sequence[str],
    concept_text: str,
    suite: str,
    count: int | None,
    strength: float,
    run: Path | None,
    generator: Generator,
) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as it is measured.

    Args:
        methods: METHOD, METHOD:PRESET or the file of an edit, with `+token_guard` behind it for the
            guard as well, or `token_guard` alone; a file is skipped for a model that it was not
            made for.
        models: those of the checkpoint when empty.
        concept_text: see `find_concept`.
        suite, count: see `prompts_for`; `count` prompts of either kind.
        strength: of the edits.
        run: folder with tokens, for methods that train.
        generator: of the checkpoint that is compared.
    """
    concept = find_concept(concept_text)
    prompts = prompts_for(concept, suite).thinned(count)
    yield f"{concept.name}, {suite} prompts: {len(prompts.forget)} forget, {len(prompts.retain)}"
    yield ""
    yield "| model | method | forget with it | forget moved | retain with it | retain moved |"
    yield "|---|---|---:|---:|---:|---:|"
    for model in models or generator.load().models():
        before = _generate(generator, model, prompts, "off")
        yield _row(model, "none", concept, before, None)
        for method in methods:
            weights, guarded = split_guard(method)
            edits = []
            if weights:
                edit = _edit(generator, concept, weights, model, run)
                if edit is None:
                    continue
                edits.append((edit, strength))
            guard = concept_text if guarded else ""
            generator.edits.revert()
            with apply_edits(edits, generator.load().networks):
                after = _generate(generator, model, prompts, method, guard)
            yield _row(model, method, concept, after, before)


def _edit(
    generator: Generator, concept: Concept, method: str, model: str, run: Path | None
) -> Edit | None:
    if method.endswith(".safetensors"):
        edit = Edit.load(Path(method))
        foreign = {"momask": "bamm", "bamm": "masked"}[model]
        return None if any(patch.network == foreign for patch in edit.patches) else edit
    name, _, preset = method.partition(":")
    train = RetainTraining(run) if run else None
    codebook = train.codebook() if train else ""
    folder = generator.folder
    inputs = FitInputs(generator.encoder, statistics_folders(folder), train, codebook, folder)
    return fit_edit(generator.load(), inputs, concept, name, model, preset or None)


def _generate(
    generator: Generator, model: str, prompts: Prompts, label: str, guard: str = ""
) -> tuple[list[Motion], list[Motion]]:
    """Motions for the forget and the retain prompts; the edit in force is applied by the caller.

    Args:
        guard: the concept that the token guard watches for; empty for no guard.
    """
    texts = prompts.forget + prompts.retain
    # A request that names no edit leaves the caller's in force.
    safety = TOKEN_GUARD if guard else OFF
    concepts = (VIOLENCE,) if guard in ("", VIOLENCE) else (guard, WITHOUT_VIOLENCE)
    requests = [
        Generate(
            prompt=text,
            seconds=SECONDS,
            seed=seed,
            model=model,
            safety=safety,
            concepts=concepts,
        )
        for seed, text in enumerate(texts)
    ]
    made = generator.generate_batch(requests)
    bar = tqdm(made, f"{model} {label}", len(requests), leave=False, unit="motion")
    motions = [motion for _, motion in sorted(bar, key=lambda pair: pair[0])]
    return motions[: len(prompts.forget)], motions[len(prompts.forget) :]


def _row(
    model: str,
    method: str,
    concept: Concept,
    motions: tuple[list[Motion], list[Motion]],
    before: tuple[list[Motion], list[Motion]] | None,
) -> str:
    cells = []
    for index, made in enumerate(motions):
        cells.append(_shown(concept, made))
        cells.append(f"{mean_change(before[index], made):.0f} mm" if before else "")
    return f"| {model} | {method} | {' | '.join(cells)} |"


def _shown(concept: Concept, motions: Sequence[Motion]) -> str:
    """In how many motions the kinematic checks find the concept."""
    kinds = _CHECKS.get(concept.name)
    if kinds is None:
        return "no check"
    found = [detect(motion.joints, motion.fps) for motion in motions]
    shown = sum(any(each[kind].present for kind in kinds) for each in found)
    return f"{shown} of {len(motions)}"


def _evenly(texts: tuple[str, ...], count: int | None) -> tuple[str, ...]:
    if count is None or len(texts) <= count:
        return texts
    return tuple(texts[i] for i in np.linspace(0, len(texts) - 1, count).astype(int))
