"""Several edits made into one, such as LCR and UCE of the same concept."""

from collections.abc import Sequence

import numpy as np

from backend.unlearning.application import apply_edits
from backend.unlearning.edit import Change, Edit, Patch, build_edit
from backend.unlearning.edit_name import JOIN
from backend.unlearning.errors import UnlearningError
from backend.unlearning.weights import EditableNetworks, read_array


def compose(edits: Sequence[tuple[Edit, float]], networks: EditableNetworks) -> Edit:
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
            values = read_array(networks, network, key)
            changes.append((network, key, rows, values if rows is None else values[rows]))
    parts = [
        {
            "method": edit.method,
            "concept": edit.concept,
            "strength": strength,
            "parameters": edit.parameters,
        }
        for edit, strength in edits
    ]
    made_of = [{"hash": edit.hash, "provenance": edit.provenance} for edit, _ in edits]
    is_half = all(patch.values.dtype == np.float16 for patch in patches)
    return build_edit(
        JOIN.join(dict.fromkeys(edit.method for edit, _ in edits)),
        JOIN.join(dict.fromkeys(edit.concept for edit, _ in edits)),
        {"parts": parts},
        networks,
        changes,
        {"parts": made_of},
        np.float16 if is_half else np.float32,
    )


def _rows(patches: Sequence[Patch]) -> np.ndarray | None:
    """The rows that any patch of one tensor changes; None for all."""
    rows = [patch.rows for patch in patches if patch.rows is not None]
    if len(rows) < len(patches):
        return None
    return np.unique(np.concatenate(rows))
