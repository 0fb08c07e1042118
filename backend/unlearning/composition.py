"""Several edits made into one, such as LCR and UCE of the same concept."""

from collections.abc import Sequence

import torch

from backend.unlearning.edit import Change, Edit, Patch, apply_edits, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.tensors import Networks, find_tensor

JOIN = "+"


def compose(edits: Sequence[tuple[Edit, float]], networks: Networks) -> Edit:
    """One edit that does what several do, each with its strength, in the given order.

    Applied with strength 1 it leaves the tensors that `apply_edits` leaves. Its method and concept
    name those of its parts ("lcr+uce"), a name that all parts share once.

    Raises UnlearningError for no edits, and where `apply_edits` does.
    """
    if not edits:
        raise UnlearningError("there is nothing to compose: give at least one edit")
    patches = [patch for edit, _ in edits for patch in edit.patches]
    places = {(patch.network, patch.key): None for patch in patches}
    changes: list[Change] = []
    with apply_edits(edits, networks):
        for network, key in places:
            here = [p for p in patches if (p.network, p.key) == (network, key)]
            rows = _rows(here)
            values = find_tensor(networks, network, key).detach().float().cpu()
            changes.append((network, key, rows, (values if rows is None else values[rows]).clone()))
    parts = [
        {
            "method": edit.method,
            "concept": edit.concept,
            "strength": strength,
            "parameters": edit.parameters,
            "provenance": edit.provenance,
        }
        for edit, strength in edits
    ]
    is_half = all(patch.values.dtype == torch.float16 for patch in patches)
    return build_edit(
        JOIN.join(dict.fromkeys(edit.method for edit, _ in edits)),
        JOIN.join(dict.fromkeys(edit.concept for edit, _ in edits)),
        {"parts": [f"{edit.method}/{edit.concept}" for edit, _ in edits]},
        networks,
        changes,
        {"parts": parts},
        torch.float16 if is_half else torch.float32,
    )


def _rows(patches: Sequence[Patch]) -> torch.Tensor | None:
    """The rows that any patch of one tensor changes; None for all."""
    rows = [patch.rows for patch in patches if patch.rows is not None]
    if len(rows) < len(patches):
        return None
    return torch.cat(rows).unique()
