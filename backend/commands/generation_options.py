"""What `generate`, `edit` and `timeline` have in common: their options, and writing the results."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder, PresetName

if TYPE_CHECKING:
    from backend.generation.generator import Generator
    from shared.motion.motion import Motion


@dataclass(frozen=True)
class Options:
    """The options that every command has that makes motion; each field is one."""

    seed: Annotated[
        int, typer.Option(help="Start of the random numbers; take k uses seed + k.")
    ] = 0
    takes: Annotated[int, typer.Option(help="How many variations.")] = 1
    model: Annotated[str, typer.Option(help="momask or bamm.")] = "momask"
    safety: Annotated[
        str | None,
        typer.Option(
            help="Unlearning method (lcr, uce, rece), several as in lcr+uce, token_guard, or off."
        ),
    ] = None
    token_guard: Annotated[
        bool | None,
        typer.Option(
            "--token-guard/--no-token-guard",
            help="Whether violent tokens are drawn anew; as --safety says if left out.",
        ),
    ] = None
    audit_guard: Annotated[
        bool,
        typer.Option(help="Frames in which a strike is found are made again, at most twice."),
    ] = True
    concept: Annotated[
        list[str] | None,
        typer.Option(
            help="Forgotten beside violence; may be repeated. A kind of violence (kick) alone "
            "leaves the other kinds free, -violence leaves all of it."
        ),
    ] = None
    strength: Annotated[float, typer.Option(help="How far the edit is applied, 0 to 2.")] = 1.0
    steps: Annotated[int | None, typer.Option(help="Sampling steps.")] = None
    guidance: Annotated[float | None, typer.Option(help="Classifier-free guidance scale.")] = None
    residual_guidance: Annotated[
        float | None, typer.Option(help="Guidance scale of the residual layers, the fine detail.")
    ] = None
    temperature: Annotated[
        float | None, typer.Option(help="Under 1 more ordinary motion, over 1 more varied.")
    ] = None
    dropped_share: Annotated[
        float | None,
        typer.Option(help="Share of the least likely tokens never drawn, 0 to 0.99."),
    ] = None
    top_k: Annotated[float | None, typer.Option(hidden=True)] = None
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")] = (
        None
    )
    checkpoints: Checkpoints = None
    encoder: Encoder = None
    allow_download: AllowDownload = False
    preset: PresetName = "default"
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path("out")

    def settings(self) -> dict[str, Any]:
        """The options as fields of a request."""
        from shared.errors import PlacidError
        from shared.protocol.messages import SamplingOptions

        if self.top_k is not None:
            raise PlacidError(
                "renamed_option",
                f"--top-k is a share, not a count: write --dropped-share {self.top_k:g}",
            )
        names = ("seed", "takes", "model", "safety", "token_guard", "audit_guard", "strength")
        options = SamplingOptions.__struct_fields__
        return {
            **{name: getattr(self, name) for name in names},
            "concepts": tuple(self.concept or ["violence"]),
            "sampling": SamplingOptions(**{name: getattr(self, name) for name in options}),
        }

    def announcement(self) -> str:
        """What will be forgotten, and which violence will not."""
        from shared.motion.safety import announce

        concepts = self.settings()["concepts"]
        return announce(self.safety, self.token_guard, concepts, self.strength)

    def generator(self) -> "Generator":
        """The generator that the options describe."""
        from backend.checkpoints.loading import EMBEDDED
        from backend.generation.generator import Generator
        from shared.safety_choice import OFF

        generator = Generator(
            self.checkpoints or EMBEDDED,
            self.device,
            preset=self.preset,
            encoder_folder=self.encoder,
            allow_download=self.allow_download,
        )
        if self.safety != OFF:
            for sentence in generator.fit_at_once():
                typer.echo(sentence, err=True)
        return generator


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let typer show the fields of `Options` as options of a command that takes an `options`."""
    own = inspect.signature(command)
    shared = {field.name: field for field in fields(Options)}
    kept = [parameter for name, parameter in own.parameters.items() if name != "options"]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        options = Options(**{name: values.pop(name) for name in shared})
        command(options=options, **values)

    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for name, field in shared.items()
    ]
    run.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [*kept, *added]}
    return run


def as_typed(text: str) -> str:
    """A prompt of the command line as it was typed: in a locale without UTF-8, Python undoes it."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


@contextmanager
def progress_bar() -> Iterator[tuple[Callable[[float, str], None], Callable[[str], None]]]:
    """A bar on the terminal: what reports progress to it, and what writes a line above it."""
    from tqdm import tqdm

    with tqdm(total=100, desc="generating", unit="%", leave=False) as bar:

        def report(fraction: float, stage: str) -> None:
            bar.set_description(stage)
            bar.update(round(fraction * 100) - bar.n)

        yield report, bar.write


def write_all(
    motions: Iterable["Motion"],
    out: Path,
    say: Callable[[str], None],
    number: Callable[["Motion"], str] = lambda motion: str(motion.seed),
) -> None:
    """Write each motion as npz and BVH, and say where, and which strikes are found in it.

    Of a prompt that the model does not know it is said once.
    """
    from backend.generation.redraws import redraws_in
    from shared.motion.audit import SIGHT
    from shared.motion.bvh import save_bvh
    from shared.motion.motion import save_motion
    from shared.motion.safety import label_of, parts_of
    from shared.motion.understanding import understanding_in
    from shared.names import file_name

    told: set[str] = set()
    for motion in motions:
        understanding = understanding_in(motion.provenance)
        if understanding and not understanding.known and motion.prompt not in told:
            told.add(motion.prompt)
            say(f"{motion.prompt!r}: {understanding.warning}")
        path = out / f"{file_name(motion.prompt)}-{number(motion)}.npz"
        save_motion(motion, path)
        save_bvh(motion, path.with_suffix(".bvh"))
        assert motion.audit is not None, "the generator has looked"
        found = [f"{s.what} at frames {s.start}-{s.end}" for s in motion.audit.strikes]
        say(
            f"{path} and .bvh: {motion.seconds:.1f} s, seed {motion.seed}, "
            f"{label_of(motion.provenance).sentence}, strikes found: {', '.join(found) or 'none'}"
        )
        for redraw in redraws_in(motion.provenance):
            say(f"  {redraw.sentence}")
        parts = parts_of(motion.provenance, len(motion))
        for part in parts if len(parts) > 1 else ():
            say(f"  frames {part.start} to {part.end - 1}: {part.label.sentence}")
    say(SIGHT)
