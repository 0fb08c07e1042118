"""`backend eval attacks`, what brings back what was unlearned; `backend eval costs`, its price."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from backend.commands.options import Checkpoints, Encoder

if TYPE_CHECKING:
    from backend.evaluation.judges import Judge
    from backend.generation.generator import Generator

Methods = Annotated[
    list[str] | None,
    typer.Option("--method", help="As in --safety, also joined: lcr+uce; repeatable."),
]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="momask or bamm; all there are if left out.")
]
Judges = Annotated[list[str] | None, typer.Option("--judge", help="See `list`; all if left out.")]
ConceptOption = Annotated[
    str, typer.Option(help="A built-in concept, a TOML file, or keywords: 'crawl, creep'.")
]
Count = Annotated[
    int | None, typer.Option("--prompts", help="Of each kind, taken evenly; all if left out.")
]
Seed = Annotated[int, typer.Option(help="Of the first motion.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Markdown file.")]
_METHODS: Final = ("lcr", "uce", "lcr+uce")


def attacks(
    method: Methods = None,
    model: Models = None,
    attack: Annotated[
        list[str] | None, typer.Option("--attack", help="See `list`; all if left out.")
    ] = None,
    judge: Judges = None,
    concept: ConceptOption = "violence",
    prompts: Count = None,
    seed: Seed = 0,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    out: Out = None,
) -> None:
    """Attack edited models and say how many motions show a strike afterwards; needs PyTorch."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.evaluation.attacks import ATTACKS, find_attack
    from backend.evaluation.attacks.table import attack_rows, heading, line
    from backend.evaluation.attacks.target import Target, attack_prompts
    from backend.evaluation.judges import JUDGES, find_judge
    from backend.generation.generator import Generator
    from backend.unlearning.concept import find_concept

    chosen = [find_attack(name) for name in attack or ATTACKS]
    judges = [find_judge(name) for name in judge or JUDGES]
    generator = Generator(checkpoints or EMBEDDED, "cpu", engine="torch", encoder_folder=encoder)
    wanted = find_concept(concept)
    asked = attack_prompts(wanted, prompts)

    def rows() -> Iterator[str]:
        yield f"{wanted.name}, {len(asked)} prompts, {_made_with(generator, judges, seed)}"
        yield ""
        yield from heading(judges)
        for name in model or generator.load().models():
            for each in method or _METHODS:
                edits = tuple(generator.edits.find(name, each, [concept]))
                target = Target(generator, name, edits, wanted, asked, seed)
                for row in attack_rows(target, chosen, judges):
                    yield line(name, each, row)

    _print_and_write(rows(), out)


def costs(
    method: Methods = None,
    model: Models = None,
    judge: Judges = None,
    concept: ConceptOption = "violence",
    suite: Annotated[
        str, typer.Option(help="Of violent prompts: validation (to choose) or test (to report).")
    ] = "validation",
    prompts: Count = None,
    seed: Seed = 0,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    out: Out = None,
) -> None:
    """Say what methods leave, and which safe and near prompts still work; needs PyTorch."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.evaluation.attacks.target import Target
    from backend.evaluation.benchmark.evaluation_context import open_yardstick
    from backend.evaluation.costs import Yardstick, heading
    from backend.evaluation.evaluators.embedded import EVALUATOR
    from backend.evaluation.judges import JUDGES, find_judge
    from backend.generation.generator import Generator
    from backend.reports.unlearning_table import prompts_for
    from backend.unlearning.concept import find_concept

    judges = [find_judge(name) for name in judge or JUDGES]
    generator = Generator(checkpoints or EMBEDDED, "cpu", engine="torch", encoder_folder=encoder)
    wanted = find_concept(concept)
    context = open_yardstick(EVALUATOR, checkpoints or EMBEDDED, wanted)
    asked = prompts_for(wanted, suite).forget
    yardstick = Yardstick.of(asked, context.evaluator, context.embed(Path()), prompts)

    def rows() -> Iterator[str]:
        counts = f"{len(yardstick.violent)} violent, {len(yardstick.safe)} safe"
        yield (
            f"{wanted.name}, {suite} prompts: {counts}, {len(yardstick.near)} near, "
            f"{_made_with(generator, judges, seed)}"
        )
        yield ""
        yield from heading(judges)
        for name in model or generator.load().models():
            before = yardstick.measure(Target(generator, name, (), wanted, (), seed))
            yield yardstick.row((name, "off"), before, before, judges)
            for each in method or _METHODS:
                edits = tuple(generator.edits.find(name, each, [concept]))
                after = yardstick.measure(Target(generator, name, edits, wanted, (), seed))
                yield yardstick.row((name, each), before, after, judges)

    _print_and_write(rows(), out)


def _made_with(generator: "Generator", judges: Sequence["Judge"], seed: int) -> str:
    """What the figures depend on, so that they are not taken for another model's."""
    versions = ", ".join(f"{judge.name} {judge.version()[:8]}" for judge in judges)
    return f"seed {seed}, checkpoint {generator.load().hash}, judges {versions}"


def _print_and_write(lines: Iterator[str], out: Path | None) -> None:
    from shared.files import write_whole

    kept = []
    for line in lines:
        print(line, flush=True)
        kept.append(line)
    if out:
        write_whole(out, ("\n".join(kept) + "\n").encode())
