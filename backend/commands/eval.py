"""`backend eval`: the unlearning benchmark."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands import blind
from backend.commands.attacks import attacks, costs
from backend.commands.options import Checkpoints, Dataset, Encoder, Strict
from backend.commands.problems import report as report_problems

if TYPE_CHECKING:
    from backend.evaluation.benchmark.preparation import Prepared

app = typer.Typer(help="Measure what unlearning removes and what it leaves.", no_args_is_help=True)
app.add_typer(blind.app, name="blind")
app.command()(attacks)
app.command()(costs)


@app.command()
def run(
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file with any of these options; those given here go before it."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="quick (if left out), full, published, official, safemo; see `list`."),
    ] = None,
    suites: Annotated[
        str, typer.Option(help="Comma-separated, such as forget,retain; all if left out.")
    ] = "",
    repeats: Annotated[
        int | None, typer.Option(help="Replications, each with seeds of its own.", min=1)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many prompts of each suite.", min=2)
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="published: the released samplers, whole prompts, R-precision without the last "
            "batch."
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of HumanML3D or Motion-X, or of an evaluator as `backend train "
            "evaluator` writes; the shipped one if left out."
        ),
    ] = None,
    dataset: Dataset = None,
    strict: Strict = False,
    split: Annotated[str | None, typer.Option(help="Of a data set; test if left out.")] = None,
    forget_list: Annotated[
        Path | None,
        typer.Option(
            "--forget-list", help="File of a data set's ids that show the concept, one a line."
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option(help="Comma-separated, such as uce,lcr+uce; all if left out.")
    ] = "",
    models: Annotated[str, typer.Option(help="momask, bamm or both; all if left out.")] = "",
    concept: Annotated[
        str | None,
        typer.Option(
            help="A built-in concept, a TOML file, or keywords: 'crawl, creep'; violence if left "
            "out."
        ),
    ] = None,
    edits: Annotated[
        Path | None, typer.Option(help="Folder of edits; the checkpoint's own if left out.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Start of all random numbers; the full protocol asks for it.")
    ] = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Check and hash everything; generate nothing.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run.")] = None,
    workers: Annotated[
        int, typer.Option(help="Processes over Ray (pip install .[ray]).", min=1)
    ] = 1,
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="A running Ray cluster, or auto.")
    ] = None,
) -> None:
    """Run the benchmark; started again with the same --out, it goes on with what is missing."""
    from backend.evaluation import EvaluationConfig, evaluate, load_config
    from backend.evaluation.benchmark.preparation import prepare
    from backend.evaluation.benchmark.report import print_report

    settings = (load_config(config) if config else EvaluationConfig()).changed(
        protocol=protocol,
        suites=_names(suites),
        repeats=repeats,
        limit=limit,
        preset=preset,
        concept=concept,
        seed=seed,
        methods=_names(methods),
        models=_names(models),
        checkpoints=checkpoints and str(checkpoints),
        encoder=encoder and str(encoder),
        data=data and str(data),
        dataset=dataset,
        edits=edits and str(edits),
        strict=strict or None,
        split=split,
        forget_list=forget_list and str(forget_list),
    )
    if preflight:
        prepared = prepare(settings.request())
        _announce(prepared)
        report_problems(prepared.context.problems, None)
        return
    folders = []

    def begin(prepared: "Prepared", folder: Path) -> None:
        _announce(prepared)
        report_problems(prepared.context.problems, folder)
        folders.append(folder)

    results = evaluate(settings, out, workers=workers, ray_address=ray_address, announce=begin)
    print_report(results)
    print(f"written: {folders[0]}/results.json, report.md and report.html")


@app.command("list")
def list_everything() -> None:
    """Protocols, methods, suites, metrics, judges and attacks."""
    from backend.evaluation.attacks import ATTACKS
    from backend.evaluation.benchmark.protocols import PROTOCOLS
    from backend.evaluation.benchmark.suites import SUMMARIES
    from backend.evaluation.judges import JUDGES
    from backend.evaluation.metrics import METRICS
    from backend.unlearning.registry import METHODS

    parts = {
        "protocols": {p.name: p.summary for p in PROTOCOLS.values()},
        "methods": {"original": "nothing is unlearned"}
        | {m.name: m.summary for m in METHODS.values()}
        | {"a+b": "several methods together, such as lcr+uce"},
        "suites": SUMMARIES,
        "metrics": {m.name: f"{m.summary} ({m.better})" for m in METRICS.values()},
        "judges": {judge.name: judge.summary for judge in JUDGES.values()},
        "attacks": {attack.name: attack.summary for attack in ATTACKS.values()},
    }
    for title, entries in parts.items():
        print(f"{title}:")
        for name, summary in entries.items():
            print(f"  {name}: {summary}")


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="A finished run.")]) -> None:
    """Print a finished run's tables and write its report again."""
    from backend.evaluation.benchmark.report import print_report, read_report, render
    from backend.evaluation.benchmark.store import Store

    store = Store(folder)
    results, pictures = read_report(store)
    paths = render(store, results, pictures)
    print_report(results)
    print("written: " + ", ".join(map(str, paths)))


@app.command()
def judge(
    files: Annotated[list[Path], typer.Argument(help="Motions: npz files of Placid, or BVH.")],
    by: Annotated[str, typer.Option("--by", help="The judge; see `list`.")] = "checks",
) -> None:
    """Say what a judge sees in motions: tier, kinds, frames, and the real motions it thinks of."""
    from backend.evaluation.judges import find_judge
    from backend.motion.lengths import FPS
    from shared.motion.bvh import load_bvh
    from shared.motion.kinematics import resample
    from shared.motion.motion import load_motion

    judge = find_judge(by)
    for path in files:
        motion = load_bvh(path) if path.suffix.lower() == ".bvh" else load_motion(path)
        verdict = judge(resample(motion.with_up("Y"), FPS).joints)
        seen = "; ".join(
            f"{f.tier} {f.kind}: frames {f.start} to {f.end - 1}" for f in verdict.findings
        )
        like = f"; like {', '.join(verdict.nearest)}" if verdict.nearest else ""
        print(f"{path}: {seen or 'nothing found'} (score {verdict.score:.2f}{like})")


@app.command()
def recount(
    folder: Annotated[Path, typer.Argument(help="A run, finished or not.")],
    by: Annotated[str, typer.Option("--judge", help="Who counts; see `list`.")] = "checks",
) -> None:
    """Count a run's motions again with another judge; nothing is generated."""
    from backend.evaluation.benchmark.recount import recount as count_again
    from backend.evaluation.benchmark.recount import recount_tables, write_recount
    from backend.evaluation.benchmark.report import print_tables
    from backend.evaluation.benchmark.store import Store
    from backend.evaluation.judges import find_judge

    store = Store(folder)
    counted = count_again(store, find_judge(by))
    print_tables(recount_tables(counted))
    print(f"written: {write_recount(store, counted)}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _announce(prepared: "Prepared") -> None:
    shards = prepared.shards()
    motions = sum(len(shard.items) for shard in shards)
    for model, methods in prepared.rows.items():
        print(f"{model}: {', '.join(methods)}")
    for name, items in prepared.suites.items():
        print(f"{name}: {len(items)} motions")
    for note in prepared.notes:
        print(f"note: {note}")
    print(f"{motions} motions in {len(shards)} shards", flush=True)
