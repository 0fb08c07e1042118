"""An unlearning result as data: named tensor patches that can be applied and taken back.

An `Edit` knows nothing of how it was found. It says which tensors of which network get which
values, and which base it was made for. Applying copies values into the live tensors; reverting
puts the saved originals back, bit for bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import torch
from torch import Tensor

from backend.unlearning.errors import UnlearningError
from backend.unlearning.storage import read_tensors, write_tensors
from backend.unlearning.tensors import NetworkName, Networks, find_tensor, tensor_hash
from shared.protocol.validation import MAX_STRENGTH

FORMAT_VERSION: Final = 1
# Network, state-dict key, rows (None for all), values.
Change = tuple[NetworkName, str, Tensor | None, Tensor]
# The precisions a network may run in. A half-precision copy of the right base must not be
# mistaken for a foreign one, so an edit carries the base's hash after rounding to each.
_PRECISIONS: Final = (torch.float32, torch.float16, torch.bfloat16)
_STORED: Final = (torch.float32, torch.float16)


@dataclass(frozen=True)
class Patch:
    """New values of one tensor.

    Attributes:
        network: which network of the model.
        key: the tensor's state-dict key.
        rows: int64 (k,), the distinct rows (first axis) that change; None for the whole tensor.
        values: float32 or, where a method trained whole networks, float16; (k, ...) or the
            tensor's own shape.
        relative_change: |values - base| / |base| over the changed part (Frobenius norms).
    """

    network: NetworkName
    key: str
    rows: Tensor | None
    values: Tensor
    relative_change: float


@dataclass(frozen=True)
class Edit:
    """What an unlearning method returns.

    Attributes:
        method: the method's registered name.
        concept: the name of what is forgotten.
        parameters: the method's parameters, plain JSON values.
        patches: at most one per tensor.
        base: per touched network, precision name -> hash of the base tensors the patches replace.
        provenance: what else is worth knowing (removed codes, prompts, source of the statistics).
    """

    method: str
    concept: str
    parameters: dict[str, Any]
    patches: tuple[Patch, ...]
    base: dict[str, dict[str, str]]
    provenance: dict[str, Any] = field(default_factory=dict)

    def apply(self, networks: Networks, strength: float = 1.0) -> "Applied":
        """Write the patches into live networks; see `apply_edits`."""
        return apply_edits([(self, strength)], networks)

    def save(self, path: Path) -> None:
        """Write the edit as safetensors with a JSON header; whole or not at all."""
        tensors = {}
        entries = []
        for index, patch in enumerate(self.patches):
            tensors[f"{index}.values"] = patch.values
            if patch.rows is not None:
                tensors[f"{index}.rows"] = patch.rows
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
        write_tensors(path, "edit", header, tensors)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an edit. Raises UnlearningError when it is damaged or of another version."""
        header, tensors = read_tensors(path, "edit", _EditHeader)
        if header.version != FORMAT_VERSION:
            raise UnlearningError(
                f"{path} is an edit of format version {header.version}, this Placid reads "
                f"version {FORMAT_VERSION}: fit it again or update Placid"
            )
        patches = []
        for index, entry in enumerate(header.patches):
            values, rows = tensors.get(f"{index}.values"), tensors.get(f"{index}.rows")
            if values is None or not _is_sound(values, rows):
                raise UnlearningError(
                    f"{path} is damaged at {entry.network}:{entry.key}: fit the edit again"
                )
            patches.append(Patch(entry.network, entry.key, rows, values, entry.relative_change))
        return cls(
            header.method,
            header.concept,
            header.parameters,
            tuple(patches),
            header.base,
            header.provenance,
        )

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


class Applied:
    """Edits that are in force. `revert` (or leaving the `with` block) restores the base exactly."""

    def __init__(self, originals: list[tuple[Tensor, Tensor]], edits: tuple[Edit, ...]) -> None:
        self._originals = originals
        self.edits = edits

    def revert(self) -> None:
        """Put every original tensor back; doing it twice is harmless."""
        with torch.no_grad():
            while self._originals:
                live, original = self._originals.pop()
                live.copy_(original)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.revert()


def apply_edits(edits: Sequence[tuple[Edit, float]], networks: Networks) -> Applied:
    """Apply edits, each with a strength in [0, 2], in the given order.

    Every edit was made for the untouched base, so all of them are checked before the first tensor
    changes. Where two edits meet in one tensor, whole-tensor patches add their changes
    (base + s (values - base), in float32), while a row patch sets its rows from the base, so that
    the later edit decides a row that both name: a code has one place to be moved to.

    Raises UnlearningError, with nothing changed, for a missing network or tensor, a strength
    outside [0, 2], or a base that is not the one the edit was made for.
    """
    for edit, strength in edits:
        if not 0.0 <= strength <= MAX_STRENGTH:
            raise UnlearningError(
                f"strength {strength} of edit {edit.method}/{edit.concept} is out of range: "
                f"give a number from 0 to {MAX_STRENGTH:g}"
            )
        _check_base(edit, networks)
    originals: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}
    with torch.no_grad():
        for edit, strength in edits:
            for patch in edit.patches:
                live = find_tensor(networks, patch.network, patch.key)
                place = (patch.network, patch.key)
                is_first = place not in originals
                if is_first:
                    originals[place] = (live, live.detach().clone())
                _write(live, originals[place][1], patch, strength, is_first)
    return Applied(list(originals.values()), tuple(edit for edit, _ in edits))


def build_edit(
    method: str,
    concept: str,
    parameters: dict[str, Any],
    networks: Networks,
    changes: Iterable[Change],
    provenance: dict[str, Any] | None = None,
    precision: torch.dtype = torch.float32,
) -> Edit:
    """Make an edit of (network, key, rows, values) changes against the networks as they are now.

    The values are kept in `precision`, float32 or float16.

    Raises UnlearningError when a value is not a number.
    """
    patches = []
    for network, key, rows, values in changes:
        base = find_tensor(networks, network, key).detach().float().cpu()
        base = base if rows is None else base[rows]
        values = values.detach().to("cpu", precision).contiguous().clone()
        if not torch.isfinite(values).all():
            raise UnlearningError(
                f"{method} for {concept!r} gave values that are not numbers in {network}:{key}: "
                "use milder parameters"
            )
        change = float((values.float() - base).norm() / base.norm().clamp_min(1e-12))
        patches.append(Patch(network, key, rows, values, change))
    touched: list[str] = sorted({patch.network for patch in patches})
    hashes = {name: _base_hashes(patches, name, networks) for name in touched}
    return Edit(method, concept, parameters, tuple(patches), hashes, provenance or {})


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


def _is_sound(values: Tensor, rows: Tensor | None) -> bool:
    if values.dtype not in _STORED or not torch.isfinite(values).all():
        return False
    if rows is None:
        return True
    return (
        rows.dtype == torch.int64
        and rows.dim() == 1
        and len(rows) == len(values) > 0
        and len(rows.unique()) == len(rows)
    )


def _base_hashes(patches: list[Patch], network: str, networks: Networks) -> dict[str, str]:
    tensors = {
        patch.key: find_tensor(networks, network, patch.key)
        for patch in patches
        if patch.network == network
    }
    return {_precision_name(dtype): tensor_hash(tensors, dtype) for dtype in _PRECISIONS}


def _precision_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _check_base(edit: Edit, networks: Networks) -> None:
    for name, expected in edit.base.items():
        tensors = {}
        for patch in edit.patches:
            if patch.network == name:
                tensors[patch.key] = find_tensor(networks, name, patch.key)
                _check_shape(patch, tensors[patch.key])
        precision = next(iter(tensors.values())).dtype
        wanted = expected.get(_precision_name(precision), "none")
        found = tensor_hash(tensors, precision)
        if found != wanted:
            raise UnlearningError(
                f"the edit {edit.method}/{edit.concept} was made for another base: its {name} "
                f"tensors have hash {wanted}, this model's have {found}; revert other edits "
                "first, load the base it was made for, or fit it again"
            )


def _check_shape(patch: Patch, live: Tensor) -> None:
    expected = live.shape[1:] if patch.rows is not None else live.shape
    given = patch.values.shape[1:] if patch.rows is not None else patch.values.shape
    out_of_range = patch.rows is not None and (
        int(patch.rows.min()) < 0 or int(patch.rows.max()) >= len(live)
    )
    if expected != given or out_of_range:
        raise UnlearningError(
            f"the edit's values for {patch.network}:{patch.key} do not fit a tensor of shape "
            f"{tuple(live.shape)}: fit it again for this model"
        )


def _write(live: Tensor, base: Tensor, patch: Patch, strength: float, is_first: bool) -> None:
    values = patch.values.to(live.device)
    if patch.rows is not None:
        rows = patch.rows.to(live.device)
        values = values.float()
        if strength != 1.0:
            origin = base[rows].float()
            values = origin + strength * (values - origin)
        live[rows] = values.to(live.dtype)
    elif is_first and strength == 1.0:
        live.copy_(values)
    else:
        live.copy_(live.float() + strength * (values - base.float()))
