"""`backend batch`: a table of prompts to motions and films, without Blender's window."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder, PresetName

if TYPE_CHECKING:
    from tqdm import tqdm

    from shared.batch.queue import Task
    from shared.errors import PlacidError
    from shared.filming.orders import RenderSettings


def batch(
    table: Annotated[Path, typer.Argument(help="CSV or JSON with a column prompt.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the motions, npz and BVH.")
    ] = None,
    render: Annotated[
        Path | None, typer.Option(help="The same folder, with a film of each take as well.")
    ] = None,
    engine: Annotated[str, typer.Option(help="workbench, eevee or cycles.")] = "workbench",
    format: Annotated[str, typer.Option(help="mp4, or png for a folder of pictures.")] = "mp4",
    size: Annotated[str, typer.Option(help="Width and height in pixels.")] = "640x360",
    fps: Annotated[int, typer.Option(help="Frames a second of the films.", min=1, max=240)] = 24,
    samples: Annotated[
        int, typer.Option(help="Samples a pixel for eevee and cycles.", min=1, max=4096)
    ] = 16,
    blender: Annotated[
        Path | None, typer.Option(help="Blender's program, or a Python that has bpy.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Only check the table.")] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")
    ] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    preset: PresetName = "default",
) -> None:
    """Generate every row of a table; started again, it goes on with what is missing."""
    from tqdm import tqdm

    from backend.checkpoints.loading import EMBEDDED
    from backend.filming.batch import FilmWorker, run_batch
    from backend.filming.blender import addon_folders, find_blender, start_blender
    from backend.generation.generator import Generator
    from shared.batch.journal import open_journal
    from shared.batch.queue import Batch
    from shared.batch.table import announcements, read_table
    from shared.errors import PlacidError

    if (out is None) == (render is None):
        raise PlacidError("bad_request", "give either --out or --render, and the folder behind it")
    look = None if render is None else _look(engine, format, size, fps, samples)
    read = read_table(table)
    if render is not None and not check:
        addon_folders()
        find_blender(blender)
    generator = Generator(
        checkpoints or EMBEDDED,
        device,
        preset=preset,
        encoder_folder=encoder,
        allow_download=allow_download,
    )
    for sentence in generator.fit_at_once():
        print(sentence)
    read.check(generator.capabilities(), with_rigs=render is not None)
    for sentence in announcements(read.rows):
        print(sentence)
    if check:
        for row in read.rows:
            understanding = generator.understand(row.request)
            if understanding and not understanding.known:
                print(f"row {row.number}: {understanding.warning}")
        print(f"{table} is in order: {sum(row.request.takes for row in read.rows)} takes")
        return
    folder = out or render
    assert folder is not None
    with open_journal(folder) as journal:
        queue = Batch(read.rows, journal, table.parent, look)
        print(f"{queue.done} of {queue.total} results are there already", flush=True)
        with closing(tqdm(total=queue.total, initial=queue.done, leave=False)) as bar:
            worker = FilmWorker(lambda: start_blender(blender, folder / "blender.log"))
            run_batch(queue, generator, worker, _Lines(bar))
        done, total = queue.done, queue.total
        failed = len(queue.failures)
    if failed:
        raise PlacidError(
            "batch_incomplete",
            f"{done} of {total} results are in {folder}, {failed} rows failed (see above); the "
            "same command tries them again",
        )
    print(f"all {total} results are in {folder}")


class _Lines:
    """Tells a terminal what happens."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self._bar = bar

    def working(self, task: "Task", fraction: float, stage: str) -> None:
        self._bar.set_description(f"{task.row.output}: {stage}"[:50])

    def made(self, path: Path) -> None:
        self._bar.update()
        self._bar.write(str(path))

    def doubted(self, row: int, warning: str) -> None:
        self._bar.write(f"row {row}: {warning}")

    def failed(self, row: int, error: "PlacidError") -> None:
        self._bar.write(f"row {row} failed: {error}")


def _look(engine: str, format: str, size: str, fps: int, samples: int) -> "RenderSettings":
    """The options as a `RenderSettings`. Raises PlacidError for one that cannot be."""
    import msgspec

    from shared.errors import PlacidError
    from shared.filming.orders import RenderSettings

    width, _, height = size.partition("x")
    values = {"engine": engine, "format": format, "fps": fps, "samples": samples}
    try:
        return msgspec.convert(
            values | {"width": int(width), "height": int(height)}, RenderSettings
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise PlacidError(
            "bad_request",
            f"--engine {engine} --format {format} --size {size} is not a picture ({error}); an "
            "example is --engine workbench --format mp4 --size 640x360",
        ) from error
