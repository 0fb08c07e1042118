"""`backend audit`: which strikes are in files of animation; a gate for a studio's checks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backend.filming.animations import Animation
    from shared.motion.audit import Audit, FoundStrike
    from shared.recognition.mapping import Mapping

FOUND = 1
BAD_INPUT = 2

CertainOnly = Annotated[
    bool, typer.Option("--certain-only", help="Leave out what is only possibly a strike.")
]
BlenderProgram = Annotated[
    Path | None,
    typer.Option(
        "--blender", help="Blender's program, or a Python that has bpy; for .blend, FBX and GLB."
    ),
]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="Which joints of a BVH are whose, as Bone Mapping saves it."),
]


def audit(
    files: Annotated[list[Path], typer.Argument(help="npz, BVH, .blend, FBX or GLB.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one value a line.")] = False,
    certain_only: CertainOnly = False,
    blender: BlenderProgram = None,
    mapping: MappingFile = None,
) -> None:
    """Look for strikes: exit code 0 when none is found, 1 when one is, 2 for a bad file."""
    import msgspec

    from backend.filming.animations import Blender, open_file
    from backend.kinematic_checks.audit import audit_motion
    from shared.errors import PlacidError

    code = 0
    with Blender(blender) as program:
        for path in files:
            try:
                animations = open_file(path, program, read_mapping(mapping)).read()
                audits = [audit_motion(animation.motion) for animation in animations]
            except PlacidError as error:
                code = BAD_INPUT
                if as_json:
                    print(msgspec.json.encode({"file": str(path), "error": str(error)}).decode())
                print(f"backend: {error}", file=sys.stderr, flush=True)
                continue
            for problem in program.problems:
                code = BAD_INPUT
                print(f"backend: {problem}", file=sys.stderr, flush=True)
            program.problems = []
            for animation, found in zip(animations, audits, strict=True):
                strikes = counted(found, certain_only)
                if strikes and code == 0:
                    code = FOUND
                if as_json:
                    row = {"file": str(path)} | _row(animation, strikes)
                    print(msgspec.json.encode(row).decode(), flush=True)
                else:
                    print("\n".join(report(path, animation, strikes)), flush=True)
    if code:
        raise typer.Exit(code)


@contextmanager
def bad_input_apart() -> Iterator[None]:
    """A problem ends in its sentence and exit code 2; 1 is for strikes."""
    from shared.errors import PlacidError

    try:
        yield
    except PlacidError as error:
        print(f"backend: {error}", file=sys.stderr, flush=True)
        raise typer.Exit(BAD_INPUT) from error


def read_mapping(path: Path | None) -> "Mapping | None":
    """A bone mapping from its file. Raises MappingError."""
    from shared.recognition.mapping import load_mapping

    return None if path is None else load_mapping(path)


def counted(found: "Audit", certain_only: bool) -> "list[FoundStrike]":
    """The strikes that count."""
    return [s for s in found.strikes if not certain_only or s.certainty == "found"]


def report(path: Path, animation: "Animation", strikes: "list[FoundStrike]") -> list[str]:
    """What was found in an animation, a line each, in the file's own frames."""
    name = f"{path}: {animation.name}" if animation.name else str(path)
    seconds = animation.motion.seconds
    if not strikes:
        return [f"{name}: no strike was found in {seconds:.1f} s"]
    lines = [f"{name}: {len(strikes)} found in {seconds:.1f} s"]
    for strike in strikes:
        start, end = (frame / animation.motion.fps for frame in (strike.start, strike.end))
        first, last = animation.first + strike.start, animation.first + strike.end - 1
        lines.append(f"  {strike.what}: frames {first} to {last}, {start:.2f} to {end:.2f} s")
    return lines


def _row(animation: "Animation", strikes: "list[FoundStrike]") -> dict[str, Any]:
    import msgspec

    from shared.motion.audit import Audit

    fps = animation.motion.fps
    return {
        "animation": animation.name,
        "first_frame": animation.first,
        "frames": len(animation.motion),
        "fps": fps,
        "answer": Audit(tuple(strikes)).answer,
        "strikes": [
            msgspec.to_builtins(strike)
            | {"seconds": [round(strike.start / fps, 3), round(strike.end / fps, 3)]}
            for strike in strikes
        ],
    }
