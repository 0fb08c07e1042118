"""Without a window: one prompt to a .blend, a video and a contact sheet."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy

from .character.sample_rigs import RIGS
from .core import runtime
from .features.generate.scripting import GeneratedTake, generate_blocking
from .filming.render import render_contact_sheet, render_video
from .filming.stage import build_stage
from .link import launch
from .shared.errors import PlacidError
from .shared.files import move_whole
from .shared.names import file_name

FRAMES_PER_SECOND = 30
SIZE = (640, 360)
_POLL_SECONDS = 0.05


def main(arguments: Sequence[str]) -> int:
    """Run with command-line arguments; returns the exit code."""
    parser = argparse.ArgumentParser(prog="placid", description=__doc__)
    parser.add_argument("prompt")
    parser.add_argument("--python", default="", help="Python of a Full Backend's environment")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--rig", choices=RIGS, default="placid")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--safety")
    options = parser.parse_args(arguments)
    try:
        film(options)
    except PlacidError as error:
        print(f"placid: {error}", file=sys.stderr)
    except OSError as error:
        place = error.filename or options.out
        print(
            f"placid: {place} cannot be written ({error.strerror}); choose another folder",
            file=sys.stderr,
        )
    else:
        return 0
    finally:
        runtime.unregister()
    return 1


def film(options: argparse.Namespace) -> None:
    """Generate, bake and render one prompt. Raises PlacidError or OSError; leaves no half files."""
    options.out.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = FRAMES_PER_SECOND
    launch.preferences().python_path = options.python
    with _step("Starting the backend"):
        _start_backend()
    with _step(f"Generating {options.prompt!r} and baking it on the rig {options.rig!r}"):
        (take,) = generate_blocking(
            options.prompt,
            seconds=options.seconds,
            seed=options.seed,
            safety=options.safety,
            armature=RIGS[options.rig](bpy.context),
        )
    for line in _facts(scene, take):
        print(f"    {line}")
    first, last = (round(frame) for frame in take.action.frame_range)
    with tempfile.TemporaryDirectory(dir=options.out, prefix=".placid-") as folder:
        name = file_name(options.prompt)
        files = [Path(folder) / f"{name}{suffix}" for suffix in (".blend", ".mp4", ".png")]
        blend, video, sheet = files
        build_stage(scene, take.armature, (first, last), SIZE)
        frames = f"{last - first + 1} frames of {SIZE[0]} x {SIZE[1]}"
        with _step(f"Rendering {frames} (Workbench)"), quiet():
            render_video(scene, video)
        with _step("Drawing the contact sheet"), quiet():
            render_contact_sheet(scene, sheet)
        scene.frame_set(first)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=True)
        for file in files:
            move_whole(file, options.out / file.name)
            print(f"{options.out / file.name}")


def _start_backend() -> None:
    """Wait until the backend can say what it offers. Raises PlacidError when it cannot."""
    current = runtime.get()
    current.session.start()
    while current.session.capabilities is None:
        current.tick(_POLL_SECONDS)
        if current.notice is not None:
            raise current.notice


def _facts(scene: bpy.types.Scene, generated: GeneratedTake) -> Iterator[str]:
    """What was made, for people."""
    take = scene.placid.takes[generated.name]
    yield f"{generated.seconds:.1f} s of motion, seed {generated.seed}, safety {take.safety}"
    yield generated.report


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what Blender's own code prints about every frame; it would bury our lines."""
    sys.stdout.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"==> {what}", flush=True)
    start = time.monotonic()
    yield
    print(f"    took {time.monotonic() - start:.1f} s", flush=True)
