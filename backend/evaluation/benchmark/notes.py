"""What the reader of a report should know of how it was made."""

from collections.abc import Iterator, Mapping

from backend.checkpoints.loading import Checkpoint
from backend.evaluation.benchmark.evaluation_context import EvaluationContext
from backend.evaluation.benchmark.rows import is_d_r
from backend.evaluation.benchmark.suites import Suites
from backend.generation.generator import Generator
from backend.text.encoding import MINILM
from shared.protocol.requests import Generate


def reference_notes(context: EvaluationContext) -> Iterator[str]:
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


def foreign_evaluator(checkpoint: Checkpoint, context: EvaluationContext) -> Iterator[str]:
    """Where an official release is measured by Placid's own evaluator."""
    if context.evaluator.name == "embedded" and checkpoint.encoder != MINILM:
        yield (
            "these official weights were measured by Placid's embedded evaluator and its free "
            "motion capture, not by the published one: no figure compares with a published one; "
            "name HumanML3D's or Motion-X's folder with --data"
        )


def run_notes(rows: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """How many runs of D_r there are."""
    for model, methods in rows.items():
        count = sum(map(is_d_r, methods))
        if count == 1:
            yield f"{model} has one run of D_r: how far its runs lie apart is not known"


def unknown_prompts(generator: Generator, suites: Suites) -> Iterator[str]:
    """A sentence for each suite with prompts that the model does not know."""
    for suite, items in suites.items():
        prompts = list(dict.fromkeys(item.prompt for item in items))
        found = [generator.understand(Generate(prompt)) for prompt in prompts]
        unknown_ones = [each for each in found if each and not each.known]
        if unknown_ones:
            count = f"{len(unknown_ones)} of {len(prompts)} prompts"
            yield f"{suite}, {count}, such as this one: {unknown_ones[0].warning}"
