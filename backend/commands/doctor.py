"""`backend doctor`: what is there, what is missing, and what to do about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder

if TYPE_CHECKING:
    from backend.commands.diagnostics import Finding


def doctor(
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")
    ] = None,
) -> None:
    """Check the environment, a checkpoint and its text encoder; ends with 1 if nothing can run."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.commands.diagnostics import examine
    from shared.errors import PlacidError

    folder = checkpoints or EMBEDDED
    if not folder.is_dir():
        raise PlacidError(
            "no_checkpoint", f"there is no folder {folder}; name the one that was unpacked"
        )
    findings = list(examine(folder, device, encoder, allow_download))
    if not show_findings(findings):
        raise typer.Exit(1)


def show_findings(findings: "Sequence[Finding]") -> bool:
    """Print the table, what to do, and whether motions can be generated, which is returned."""
    from backend.commands.diagnostics import can_generate

    print(_table(findings))
    remedies = [finding for finding in findings if finding.remedy]
    if remedies:
        print("\nWhat to do:")
        for number, finding in enumerate(remedies, 1):
            print(f"{number}. {finding.what} ({finding.state}): {finding.remedy}")
    is_possible = can_generate(findings)
    print(
        "\nMotions can be generated."
        if is_possible
        else "\nNo motion can be generated until this is mended."
    )
    return is_possible


def _table(findings: "Sequence[Finding]") -> str:
    """Columns of equal width, for a terminal and for a report."""
    rows = [("", "found", "where", "SHA-256")]
    rows += [(f.what, f.state, f.place or "-", f.sha256 or "-") for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
