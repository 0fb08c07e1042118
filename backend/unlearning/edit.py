"""An unlearning result as data: named array patches that can be applied and taken back.

An `Edit` knows nothing of how it was found. It says which arrays of which network get which
values, and which base it was made for; `application.py` puts it in force.
"""

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np

from backend.unlearning.errors import UnlearningError
from backend.unlearning.storage import read_arrays, write_arrays
from backend.unlearning.weights import (
    PRECISIONS,
    EditableNetworks,
    NetworkName,
    array_hash,
    read_array,
)

FORMAT_VERSION: Final = 1
# Network, state-dict key, rows (None for all), values.
Change = tuple[NetworkName, str, np.ndarray | None, np.ndarray]


@dataclass(frozen=True)
class Patch:
    """New values of one array.

    Attributes:
        network: which network of the model.
        key: the array's state-dict key.
        rows: int64 (k,), the distinct rows (first axis) that change; None for the whole array.
        values: float32 or, where a method trained whole networks, float16; (k, ...) or the
            array's own shape.
        relative_change: |values - base| / |base| over the changed part (Frobenius norms).
    """

    network: NetworkName
    key: str
    rows: np.ndarray | None
    values: np.ndarray
    relative_change: float


@dataclass(frozen=True)
class Edit:
    """What an unlearning method returns.

    Attributes:
        method: the method's registered name, or several joined by a plus.
        concept: the name of what is forgotten.
        parameters: all of the method's parameters, plain JSON values.
        patches: at most one per array.
        base: per touched network, precision -> hash of the base arrays that the patches replace.
        provenance: what else is worth knowing (removed codes, prompts, source of the statistics).
    """

    method: str
    concept: str
    parameters: dict[str, Any]
    patches: tuple[Patch, ...]
    base: dict[str, dict[str, str]]
    provenance: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def hash(self) -> str:
        """A 128-bit hash (32 hex digits) of what it does: method, concept and every new value."""
        digest = hashlib.blake2b(f"{self.method}\0{self.concept}".encode(), digest_size=16)
        for patch in sorted(self.patches, key=lambda patch: (patch.network, patch.key)):
            rows = "all" if patch.rows is None else patch.rows.tolist()
            digest.update(f"\0{patch.network}\0{patch.key}\0{rows}{patch.values.shape}".encode())
            digest.update(patch.values.astype("<f4").tobytes())
        return digest.hexdigest()

    def check(self) -> None:
        """Raise UnlearningError unless every part of it is sound by itself, whatever the model."""
        name = f"the edit {self.method}/{self.concept}"
        if not self.patches:
            raise UnlearningError(f"{name} changes nothing, it has no patches: fit it again")
        places = [(patch.network, patch.key) for patch in self.patches]
        for patch in self.patches:
            place = f"{patch.network}:{patch.key}"
            if places.count((patch.network, patch.key)) > 1:
                raise UnlearningError(f"{name} changes {place} twice: fit it again")
            if not _is_sound(patch.values, patch.rows):
                raise UnlearningError(f"{name} is damaged at {place}: fit it again")
        touched = {patch.network for patch in self.patches}
        complete = all(set(hashes) == set(PRECISIONS) for hashes in self.base.values())
        if set(self.base) != touched or not complete:
            raise UnlearningError(
                f"{name} does not say which base each of its networks was made for "
                f"({', '.join(sorted(touched))}): fit it again"
            )

    def save(self, path: Path) -> None:
        """Write the edit as safetensors with a JSON header; whole or not at all."""
        arrays = {}
        entries = []
        for index, patch in enumerate(self.patches):
            arrays[f"{index}.values"] = patch.values
            if patch.rows is not None:
                arrays[f"{index}.rows"] = patch.rows
            entries.append(_PatchHeader(patch.network, patch.key, patch.relative_change))
        header = _EditHeader(
            FORMAT_VERSION,
            self.method,
            self.concept,
            self.parameters,
            self.base,
            self.provenance,
            entries,
        )
        write_arrays(path, "edit", header, arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an edit. Raises UnlearningError when it is damaged or of another version."""
        header, arrays = read_arrays(path, "edit", _EditHeader)
        if header.version != FORMAT_VERSION:
            raise UnlearningError(
                f"{path} is an edit of format version {header.version}, this Placid reads "
                f"version {FORMAT_VERSION}: fit it again or update Placid"
            )
        patches = []
        for index, entry in enumerate(header.patches):
            values, rows = arrays.pop(f"{index}.values", None), arrays.pop(f"{index}.rows", None)
            if values is None or not _is_sound(values, rows):
                raise UnlearningError(
                    f"{path} is damaged at {entry.network}:{entry.key}: fit the edit again"
                )
            patches.append(Patch(entry.network, entry.key, rows, values, entry.relative_change))
        if arrays:
            raise UnlearningError(
                f"{path} is damaged, nothing names its array {min(arrays)[:60]!r}: fit the edit "
                "again"
            )
        edit = cls(
            header.method,
            header.concept,
            header.parameters,
            tuple(patches),
            header.base,
            header.provenance,
        )
        try:
            edit.check()
        except UnlearningError as error:
            raise UnlearningError(f"{path} cannot be used: {error}") from None
        return edit

    def noted(self, **facts: Any) -> Self:
        """The same edit with more provenance."""
        return dataclasses.replace(self, provenance=self.provenance | facts)

    def inspect(self) -> list[dict[str, Any]]:
        """One JSON-ready row per patch: network, key, shape, rows (None = all), relative_change."""
        return [
            {
                "network": patch.network,
                "key": patch.key,
                "shape": list(patch.values.shape),
                "rows": None if patch.rows is None else patch.rows.tolist(),
                "relative_change": patch.relative_change,
            }
            for patch in self.patches
        ]


def build_edit(
    method: str,
    concept: str,
    parameters: dict[str, Any],
    networks: EditableNetworks,
    changes: Iterable[Change],
    provenance: dict[str, Any] | None = None,
    precision: type[np.floating] = np.float32,
) -> Edit:
    """Make an edit of (network, key, rows, values) changes against the networks as they are now.

    The values are kept in `precision`, float32 or float16.

    Raises UnlearningError when a value is not a number, or the changes are not sound otherwise.
    """
    patches = []
    for network, key, rows, values in changes:
        base = read_array(networks, network, key)
        base = base if rows is None else base[rows]
        values = np.array(values, dtype=precision, order="C")
        if not np.isfinite(values).all():
            raise UnlearningError(
                f"{method} for {concept!r} gave values that are not numbers in {network}:{key}: "
                "use milder parameters"
            )
        patches.append(Patch(network, key, rows, values, relative_change(values, base)))
    touched: list[str] = sorted({patch.network for patch in patches})
    hashes = {name: _base_hashes(patches, name, networks) for name in touched}
    return Edit(method, concept, parameters, tuple(patches), hashes, provenance or {})


def relative_change(values: np.ndarray, base: np.ndarray) -> float:
    """|values - base| / |base| (Frobenius norms); inf where float32 cannot hold it."""
    step = values.astype(np.float32, copy=False) - base
    return (dot(step, step) / max(dot(base, base), 1e-24)) ** 0.5


def dot(one: np.ndarray, other: np.ndarray) -> float:
    """The sum of the products of two float32 arrays of one shape."""
    with np.errstate(over="ignore"):
        return float(np.dot(one.ravel(), other.ravel()))


class _PatchHeader(msgspec.Struct, forbid_unknown_fields=True):
    network: NetworkName
    key: str
    relative_change: float


class _EditHeader(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    method: str
    concept: str
    parameters: dict[str, Any]
    base: dict[str, dict[str, str]]
    provenance: dict[str, Any]
    patches: list[_PatchHeader]


def _is_sound(values: np.ndarray, rows: np.ndarray | None) -> bool:
    if values.dtype not in (np.float32, np.float16) or not np.isfinite(values).all():
        return False
    if rows is None:
        return True
    return bool(
        rows.dtype == np.int64
        and rows.ndim == 1
        and values.ndim > 0
        and len(rows) == len(values) > 0
        and len(np.unique(rows)) == len(rows)
    )


def _base_hashes(patches: list[Patch], network: str, networks: EditableNetworks) -> dict[str, str]:
    arrays = {
        patch.key: read_array(networks, network, patch.key)
        for patch in patches
        if patch.network == network
    }
    return {precision: array_hash(arrays, precision) for precision in PRECISIONS}
