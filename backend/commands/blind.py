"""`backend eval blind`: shuffled motions for people to score before a key is opened."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands.options import Checkpoints, Encoder

app = typer.Typer(
    help="A blind look at motions of all methods: sheets without labels, and a key kept apart.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Argument(help="Folder for the sheets and the table of scores.")]
KeyFolder = Annotated[
    Path | None, typer.Option("--key", help="Folder of the key; OUT-key beside OUT if left out.")
]


@app.command()
def make(
    out: Out,
    key: KeyFolder = None,
    methods: Annotated[
        str, typer.Option(help="Comma-separated, off among them; all if left out.")
    ] = "",
    models: Annotated[str, typer.Option(help="momask, bamm or both; all if left out.")] = "",
    prompts: Annotated[str, typer.Option(help="The suite of test prompts.")] = "violent",
    count: Annotated[int, typer.Option(min=1, help="Motions in all, evenly of each method.")] = 150,
    controls: Annotated[
        int, typer.Option(min=0, help="Motions of safe prompts among them, on top.")
    ] = 20,
    motions: Annotated[
        Path | None,
        typer.Option(
            help="Instead of generating: a folder with a sub-folder of npz files a method."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of prompts, lengths and order.")] = 0,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
) -> None:
    """Generate motions, shuffle them and draw sheets without labels."""
    from tqdm import tqdm

    from backend.checkpoints.loading import EMBEDDED
    from backend.evaluation.benchmark.html import check_libraries
    from backend.evaluation.blind.look import write_look
    from backend.evaluation.blind.making import make_motions, read_motions
    from backend.generation.generator import Generator

    check_libraries()
    if motions is not None:
        labelled = read_motions(motions, count)
    else:
        generator = Generator(checkpoints or EMBEDDED, encoder_folder=encoder)
        can = generator.capabilities()
        made = make_motions(
            generator,
            _names(models) or [model.name for model in can.models],
            _names(methods) or [method.name for method in can.safety],
            prompts,
            count,
            controls,
            seed,
        )
        labelled = list(tqdm(made, "generating", count + controls, unit="motion"))
    apart = _key_of(out, key)
    sheets = write_look(labelled, out, apart, seed)
    print(f"{len(labelled)} motions on {len(sheets)} sheets in {out}; the key is in {apart}")
    print(f"write the scores into {out / 'scores.csv'}, then: backend eval blind open {out}")


@app.command("open")
def open_(
    out: Out,
    key: KeyFolder = None,
    judges: Annotated[
        str, typer.Option(help="Judges to hold against the eye, comma-separated; all if left out.")
    ] = "",
) -> None:
    """Open the key, once every motion has a score, and print the rates with Wilson intervals."""
    from backend.evaluation.blind.look import motions_of, open_key
    from backend.evaluation.blind.tables import judge_lines, rate_lines
    from backend.evaluation.judges import JUDGES, find_judge

    apart = _key_of(out, key)
    found, scores = open_key(out, apart)
    for line in rate_lines(found, scores):
        print(line)
    print()
    asked = [find_judge(name) for name in _names(judges) or JUDGES]
    for line in judge_lines(asked, motions_of(found, apart), scores):
        print(line)


def _key_of(out: Path, key: Path | None) -> Path:
    return key or out.with_name(f"{out.name}-key")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
