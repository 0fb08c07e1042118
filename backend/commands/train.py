"""`backend train`: the embedded default's networks, one command each."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train the networks; every command resumes.", no_args_is_help=True)

Prepared = Annotated[Path, typer.Argument(help="What `backend prepare mocap` wrote.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")]
Steps = Annotated[int, typer.Option(help="Optimiser steps.")]
Seed = Annotated[int, typer.Option(help="Start of all random numbers.")]
Batch = Annotated[int, typer.Option(min=8, help="Samples a step; 256 or more on a GPU.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")]
Retain = Annotated[
    str | None, typer.Option(help="Leave samples of this concept out (the model D_r).")
]


@app.command()
def rvq(
    prepared: Prepared,
    out: Out,
    steps: Steps = 2800,
    batch: Batch = 64,
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Train the RVQ-VAE that turns motion into tokens."""
    from backend.training.runs import train_rvq

    train_rvq(prepared, out, steps, seed, device, batch)


@app.command()
def decoder(
    prepared: Prepared,
    out: Out,
    steps: Steps = 3000,
    batch: Batch = 32,
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Refine the RVQ-VAE's decoder; tokens stay what they are."""
    from backend.training.runs import train_decoder

    train_decoder(prepared, out, steps, seed, device, batch)


@app.command()
def tokens(
    prepared: Prepared,
    out: Out,
    samples: Annotated[int, typer.Option(help="Training samples to draw.")] = 24000,
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Turn captioned samples into tokens with the trained RVQ-VAE."""
    from backend.training.runs import make_tokens

    make_tokens(prepared, out, samples, seed, device)


@app.command()
def text(
    network: Annotated[str, typer.Argument(help="masked, residual, bamm or length.")],
    out: Out,
    steps: Steps = 5000,
    batch: Batch = 64,
    seed: Seed = 0,
    device: Device = None,
    retain: Retain = None,
) -> None:
    """Train a network that reads text, on the tokens in the run's folder."""
    from backend.training.runs import train_text

    train_text(network, out, steps, seed, device, retain, batch)


@app.command()
def refine(
    network: Annotated[str, typer.Argument(help="masked, residual or bamm, trained before.")],
    out: Out,
    steps: Steps = 2000,
    batch: Batch = 64,
    seed: Seed = 0,
    device: Device = None,
    retain: Retain = None,
) -> None:
    """Train a text-reading network further, mostly on single actions."""
    from backend.training.runs import refine_text

    refine_text(network, out, steps, seed, device, retain, batch)


@app.command()
def evaluator(
    prepared: Prepared,
    out: Out,
    steps: Steps = 3000,
    samples: Annotated[int, typer.Option(help="Training samples to draw.")] = 6000,
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Train the evaluator of the benchmark; its assets lie in OUT/assets."""
    from backend.training.evaluator import train_evaluator

    for name, value in train_evaluator(prepared, out, steps, samples, seed, device).items():
        typer.echo(f"{name:<24} {value:.3f}")


@app.command()
def judge(
    data: Annotated[Path, typer.Argument(help="Folder with the motion sources.")],
    to: Annotated[Path | None, typer.Option(help="File to write; the shipped one if left out.")] = (
        None
    ),
    figures: Annotated[
        Path | None, typer.Option(help="File for the figures on people not trained on.")
    ] = None,
    steps: Steps = 450,
    seed: Seed = 0,
) -> None:
    """Train the judge that sees strikes without the kinematic checks, and measure it."""
    from backend.evaluation.judges.embedding import WEIGHTS, save_judge
    from backend.training.judge import figure_lines, train_judge
    from backend.training.judge_windows import judge_windows
    from shared.files import write_whole

    trained, scored = train_judge(judge_windows(data), steps, seed)
    save_judge(trained, to or WEIGHTS)
    text = "\n".join(figure_lines(trained, scored))
    if figures is not None:
        write_whole(figures, text.encode())
    typer.echo(text)


@app.command()
def export(
    out: Out,
    to: Annotated[Path, typer.Argument(help="Folder for the checkpoint.")],
) -> None:
    """Write the trained networks of a run as a checkpoint, in half precision."""
    from backend.training.runs import export as write

    write(out, to)


@app.command()
def known(
    prepared: Prepared,
    to: Annotated[Path, typer.Argument(help="Folder of the checkpoint.")],
    seconds: Annotated[
        float, typer.Option(help="Training motion that an action needs to count as known.", min=0)
    ] = 10.0,
) -> None:
    """Write what a checkpoint knows, from its training captions, and calibrate the score."""
    from backend.datasets.preparation import load_prepared
    from backend.text.known_actions import KNOWN_FILE
    from backend.text.sentence import SentenceEncoder
    from backend.training import knowledge

    encoder = SentenceEncoder()
    actions = knowledge.trained_actions(load_prepared(prepared), seconds)
    model = knowledge.gather(actions, encoder.name, encoder.encode)
    labelled = knowledge.labelled_prompts(action.kind for action in actions)
    model, figures = knowledge.calibrate(model, labelled, encoder.encode)
    model.save(to / KNOWN_FILE)
    for name, value in figures.items():
        typer.echo(f"{name:<36} {value:.3f}")
    typer.echo(f"{to / KNOWN_FILE}: {len(model.actions)} actions, {len(model.texts)} wordings")
