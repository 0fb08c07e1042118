"""`backend eval attacks`: what brings back what was unlearned."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands.options import Checkpoints, Encoder


def attacks(
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="As in --safety, also joined; `off` for no unlearning."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="momask or bamm; all there are if left out.")
    ] = None,
    attack: Annotated[
        list[str] | None, typer.Option("--attack", help="See `list`; all if left out.")
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option("--judge", help="See `list`; all if left out.")
    ] = None,
    concept: Annotated[
        str, typer.Option(help="A built-in concept, a TOML file, or keywords: 'crawl, creep'.")
    ] = "violence",
    prompts: Annotated[
        int | None, typer.Option(help="Prompts to attack with, taken evenly; all if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first motion.")] = 0,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Markdown file.")] = None,
) -> None:
    """Attack edited models and say how many motions show a strike afterwards; needs PyTorch."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.evaluation.attacks import ATTACKS, find_attack
    from backend.evaluation.attacks.table import attack_rows, heading, line
    from backend.evaluation.attacks.target import Target, attack_prompts
    from backend.evaluation.judges import JUDGES, find_judge
    from backend.generation.generator import Generator
    from backend.unlearning.concept import find_concept
    from shared.files import write_whole

    chosen = [find_attack(name) for name in attack or ATTACKS]
    judges = [find_judge(name) for name in judge or JUDGES]
    generator = Generator(checkpoints or EMBEDDED, "cpu", engine="torch", encoder_folder=encoder)
    wanted = find_concept(concept)
    asked = attack_prompts(wanted, prompts)
    versions = ", ".join(f"{judge.name} {judge.version()[:8]}" for judge in judges)
    hash_ = generator.load().hash
    lines = [
        f"{wanted.name}, {len(asked)} prompts, seed {seed}, checkpoint {hash_}, {versions}",
        "",
        *heading(judges),
    ]
    print(*lines, sep="\n", flush=True)
    for name in model or generator.load().models():
        for each in method or ["lcr", "uce", "lcr+uce"]:
            edits = tuple(generator.edits.find(name, each, [concept]))
            target = Target(generator, name, edits, wanted, asked, seed)
            for row in attack_rows(target, chosen, judges):
                lines.append(line(name, each, row))
                print(lines[-1], flush=True)
    if out:
        write_whole(out, ("\n".join(lines) + "\n").encode())
