"""Restoring the very rows that an edit names, without the base model.

An edit of codebook rows says by its numbers which codes mark the concept. The transformers still
write these codes, and their own table of token embeddings still tells where each lay. So whoever
has the edited model alone fits a linear map from that table to the codebook on the codes that the
edit leaves alone, and puts what it says of the others in their place.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from backend.engines.protocol import codebook_key
from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import Target

_BASE: Final = {"momask": "masked", "bamm": "bamm"}
_TABLE: Final = "token_emb.weight"
# Of the table's mean variance: there are more numbers in a row than rows that could fix the map.
_RIDGE: Final = 0.1


def predicted_rows(table: np.ndarray, codebook: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows (k, C) of a codebook (V, C) from a table (V, D) and the codebook's other rows.

    By ridge regression with a constant.
    """
    others = np.setdiff1d(np.arange(len(codebook)), rows)
    middle, level = table[others].mean(axis=0), codebook[others].mean(axis=0)
    known = (table[others] - middle).astype(np.float64)
    moment = known.T @ known / len(others)
    ridge = _RIDGE * np.trace(moment) / len(moment) * np.eye(len(moment))
    cross = known.T @ (codebook[others] - level) / len(others)
    slope = np.linalg.solve(moment + ridge, cross)
    found: np.ndarray = (table[rows] - middle) @ slope + level
    return found.astype(np.float32)


@register_attack("named_rows", "the codes that the edit names, put back from the token embeddings")
def named_rows(target: Target) -> Iterator[Trial]:
    """One trial for edits of base codes; nothing for edits that name no rows of the codebook."""
    key = codebook_key(0)
    named = [
        patch.rows
        for edit in target.edits
        for patch in edit.patches
        if patch.rows is not None and (patch.network, patch.key) == ("rvq", key)
    ]
    if not named:
        return
    target.apply()
    rows = np.unique(np.concatenate(named))
    codebook = target.networks["rvq"].read(key)
    table = target.networks[_BASE[target.model]].read(_TABLE)[: len(codebook)]
    restored = codebook.copy()
    restored[rows] = predicted_rows(table, codebook, rows)
    with target.changed({("rvq", key): restored}):
        yield Trial(f"{len(rows)} codes predicted", target.motions())
