"""`backend edits`: which safety edits are there, and what one changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.options import Checkpoints

if TYPE_CHECKING:
    from backend.unlearning.edit import Edit

app = typer.Typer(help="Look at safety edits.", no_args_is_help=True)


@app.command("list")
def list_edits(checkpoints: Checkpoints = None) -> None:
    """The edits at hand: model, method, concept, size and file."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.unlearning.edit_store import EditStore, edit_folders

    store = EditStore(edit_folders(checkpoints or EMBEDDED))
    files = store.files()
    for name, path in sorted(files.items()):
        kilobytes = path.stat().st_size / 1000
        print(f"{name.model:8} {name.method:10} {name.concept:20} {kilobytes:8.0f} kB  {path}")
    for path, first in store.unused().items():
        print(f"{path} is not used: {first} comes first; fit it again with another name (--as)")
    if not files:
        print("there are no edits; make one with `backend unlearn METHOD --concept NAME`")


@app.command()
def manifest(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of edits; those that ship if left out.")
    ] = None,
) -> None:
    """Check every edit in a folder and list it with its hashes: nothing else is applied there."""
    from backend.unlearning.edit_store import EDITS
    from backend.unlearning.manifest import MANIFEST, write_manifest

    entries = write_manifest(folder or EDITS)
    for name, entry in entries.items():
        print(f"{entry.edit}  {name}")
    print(f"{len(entries)} edits, in {(folder or EDITS) / MANIFEST}")


@app.command()
def show(
    edit: Annotated[str, typer.Argument(help="A file, or a name: momask-uce-violence.")],
    checkpoints: Checkpoints = None,
) -> None:
    """What an edit changes, what made it, and whether it fits the checkpoint."""
    from backend.checkpoints.loading import EMBEDDED, load_checkpoint
    from backend.unlearning.application import apply_edit
    from backend.unlearning.edit import Edit
    from backend.unlearning.errors import UnlearningError

    folder = checkpoints or EMBEDDED
    found = Edit.load(_path(edit, folder))
    print_edit(found)
    print(f"hash: {found.hash}")
    for name, value in found.provenance.items():
        text = str(value)
        print(f"{name}: {text if len(text) < 300 else text[:300] + ' ...'}")
    try:
        with apply_edit(found, load_checkpoint(folder).networks):
            print(f"it fits the checkpoint {folder.name}")
    except UnlearningError as error:
        print(f"it does not fit the checkpoint {folder.name}: {error}")


def print_edit(edit: "Edit") -> None:
    """Method, concept, parameters and one line for each tensor that changes."""
    print(f"{edit.method} of {edit.concept!r}: {edit.parameters}")
    for row in edit.inspect():
        shape = "x".join(map(str, row["shape"]))
        rows = "all rows" if row["rows"] is None else f"rows {row['rows']}"
        change = f"changes by {row['relative_change']:.1%}"
        print(f"  {row['network']}:{row['key']} {shape}, {change}, {rows}")


def _path(text: str, folder: Path) -> Path:
    from backend.unlearning.edit_store import EditStore, edit_folders
    from backend.unlearning.errors import unknown

    if text.endswith(".safetensors"):
        return Path(text)
    names = {str(name): path for name, path in EditStore(edit_folders(folder)).files().items()}
    if text not in names:
        raise unknown("edit", text, names)
    return names[text]
