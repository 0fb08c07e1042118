"""Edits put in force on live networks: checked against the weights in memory, whole or not at all.

What a file says of itself is not believed: every patch is held against the array that it changes,
the base against its hash, and what the networks hold afterwards against what was meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from backend.unlearning.edit import Edit, Patch, dot, relative_change
from backend.unlearning.errors import UnlearningError
from backend.unlearning.weights import (
    PRECISIONS,
    EditableNetworks,
    array_hash,
    read_array,
    rounded,
)
from shared.protocol.validation import MAX_STRENGTH

# Network and state-dict key.
_Place = tuple[str, str]
_Arrays = dict[_Place, np.ndarray]

# An edit that moves what it names by less of its length changes nothing that could be seen; the
# mildest fine-tuning of a single step moves weights by several times as much.
LEAST_CHANGE: Final = 1e-3
# How far the change that a file states may be from the one that is measured, relatively: bases in
# half precision are a little off the ones that edits were made for.
_STATED_WITHIN: Final = 0.05
_MOST_CHANGE: Final = 1e6
# An edit of which other edits leave less than this share in force is undone by them.
_UNDONE: Final = 0.1


@dataclass(frozen=True)
class NetworkEffect:
    """What an edit has changed in one network, as the weights in memory show it.

    Attributes:
        rows: how many of the rows that it names have moved; None for edits of whole arrays.
        arrays: how many arrays have changed.
        relative_change: |now - base| / |base| over what it names (Frobenius norms).
    """

    network: str
    rows: int | None
    arrays: int
    relative_change: float


@dataclass(frozen=True)
class Effect:
    """What an edit that was applied does.

    Attributes:
        edit: the edit.
        strength: as it was asked for.
        share: how far the weights have gone from the base to the edit's values; 1 is all the way.
            It is the strength where no other edit changes the same weights.
        networks: one for each network that it touches.
    """

    edit: Edit
    strength: float
    share: float
    networks: tuple[NetworkEffect, ...]


class Applied:
    """Edits that are in force. `revert` (or leaving the `with` block) restores the base exactly."""

    def __init__(
        self, networks: EditableNetworks, originals: _Arrays, effects: tuple[Effect, ...]
    ) -> None:
        self._networks = networks
        self._originals = originals
        self.effects = effects

    def revert(self) -> None:
        """Put every original array back; doing it twice is harmless."""
        _restore(self._networks, self._originals)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.revert()


def apply_edit(edit: Edit, networks: EditableNetworks, strength: float = 1.0) -> Applied:
    """Put one edit in force; see `apply_edits`."""
    return apply_edits([(edit, strength)], networks)


def apply_edits(edits: Sequence[tuple[Edit, float]], networks: EditableNetworks) -> Applied:
    """Apply edits, each with a strength in [0, 2], in the given order.

    Every edit was made for the untouched base, so all of them are checked before the first array
    changes. Where two edits meet in one array, whole-array patches add their changes
    (base + s (values - base), in float32), while a row patch sets its rows from the base, so that
    the later edit decides a row that both name: a code has one place to be moved to.

    Raises UnlearningError, with nothing changed, for an edit that is not sound, a missing network
    or array, patches that do not fit, a strength outside [0, 2], a base that is not the one the
    edit was made for, an edit that changes nothing, and one that another undoes.
    """
    originals: _Arrays = {}
    for edit, strength in edits:
        if not 0.0 <= strength <= MAX_STRENGTH:
            raise UnlearningError(
                f"strength {strength} of edit {edit.method}/{edit.concept} is out of range: "
                f"give a number from 0 to {MAX_STRENGTH:g}"
            )
        _check(edit, networks, originals)
    wanted: _Arrays = {}
    for edit, strength in edits:
        for patch in edit.patches:
            place = (patch.network, patch.key)
            wanted[place] = _patched(wanted.get(place), originals[place], patch, strength)
    applied = Applied(networks, dict(originals), ())
    try:
        for (network, key), values in wanted.items():
            networks[network].write(key, values)
        now = {place: read_array(networks, *place) for place in wanted}
        _check_written(wanted, now)
        applied.effects = tuple(_effect(edit, strength, originals, now) for edit, strength in edits)
        _check_in_force(applied.effects)
    except BaseException:
        applied.revert()
        raise
    return applied


def _restore(networks: EditableNetworks, originals: _Arrays) -> None:
    while originals:
        place, values = next(reversed(originals.items()))
        networks[place[0]].write(place[1], values)
        originals.pop(place)


def _check(edit: Edit, networks: EditableNetworks, originals: _Arrays) -> None:
    """Hold an edit against the weights in memory, which are read into `originals`."""
    edit.check()
    for patch in edit.patches:
        place = (patch.network, patch.key)
        if place not in originals:
            originals[place] = read_array(networks, *place)
        _check_shape(patch, originals[place])
    for name in edit.base:
        _check_base(
            edit, name, {p.key: originals[name, p.key] for p in edit.patches if p.network == name}
        )
    changes = [
        relative_change(p.values, _part(originals[p.network, p.key], p)) for p in edit.patches
    ]
    if max(changes) < LEAST_CHANGE:
        raise UnlearningError(
            f"the edit {edit.method}/{edit.concept} changes nothing: its values are those of the "
            "base; fit it again"
        )
    for patch, change in zip(edit.patches, changes, strict=True):
        # Written so that a change beyond all numbers fails as well.
        if not abs(change - patch.relative_change) <= LEAST_CHANGE + _STATED_WITHIN * min(
            change, _MOST_CHANGE
        ):
            raise UnlearningError(
                f"the edit {edit.method}/{edit.concept} says that it changes {patch.network}:"
                f"{patch.key} by {patch.relative_change:.1%}, but it changes it by {change:.1%}: "
                "fit it again"
            )


def _check_shape(patch: Patch, live: np.ndarray) -> None:
    expected = live.shape[1:] if patch.rows is not None else live.shape
    given = patch.values.shape[1:] if patch.rows is not None else patch.values.shape
    out_of_range = patch.rows is not None and (
        live.ndim == 0 or int(patch.rows.min()) < 0 or int(patch.rows.max()) >= len(live)
    )
    if expected != given or out_of_range:
        raise UnlearningError(
            f"the edit's values for {patch.network}:{patch.key} do not fit a tensor of shape "
            f"{live.shape}: fit it again for this model"
        )


def _check_base(edit: Edit, network: str, arrays: Mapping[str, np.ndarray]) -> None:
    """The base is the one that the edit was made for, or its copy in half precision."""
    for precision in PRECISIONS:
        is_copy = precision == "float32" or all(
            np.array_equal(v, rounded(v, precision)) for v in arrays.values()
        )
        if is_copy and array_hash(arrays, precision) == edit.base[network][precision]:
            return
    raise UnlearningError(
        f"the edit {edit.method}/{edit.concept} was made for another base: its {network} tensors "
        f"have hash {edit.base[network]['float32']}, this model's have {array_hash(arrays)}; "
        "revert other edits first, load the base it was made for, or fit it again"
    )


def _patched(
    before: np.ndarray | None, base: np.ndarray, patch: Patch, strength: float
) -> np.ndarray:
    """The array with a patch, where earlier patches left it as `before`; None for untouched."""
    values = patch.values.astype(np.float32)
    if strength == 0.0:
        return base.copy() if before is None else before
    if patch.rows is not None:
        result = base.copy() if before is None else before
        if strength != 1.0:
            origin = base[patch.rows]
            values = origin + np.float32(strength) * (values - origin)
        result[patch.rows] = values
        return result
    if before is None and strength == 1.0:
        return values
    return (base if before is None else before) + np.float32(strength) * (values - base)


def _check_written(wanted: _Arrays, now: _Arrays) -> None:
    for place, values in wanted.items():
        found = now[place]
        if not np.isfinite(found).all():
            raise UnlearningError(
                f"applied like this, {place[0]}:{place[1]} gets values that are not numbers: use a "
                "smaller strength"
            )
        if not any(np.array_equal(found, rounded(values, p)) for p in PRECISIONS):
            raise UnlearningError(
                f"{place[0]}:{place[1]} does not hold what was written to it: load the model again"
            )


def _part(array: np.ndarray, patch: Patch) -> np.ndarray:
    return array if patch.rows is None else array[patch.rows]


def _effect(edit: Edit, strength: float, originals: _Arrays, now: _Arrays) -> Effect:
    along = length = 0.0
    networks = []
    for network in dict.fromkeys(patch.network for patch in edit.patches):
        moved_rows, changed, squares, base_squares = 0, 0, 0.0, 0.0
        patches = [patch for patch in edit.patches if patch.network == network]
        for patch in patches:
            base = _part(originals[network, patch.key], patch)
            step = _part(now[network, patch.key], patch) - base
            way = patch.values.astype(np.float32, copy=False) - base
            along += dot(step, way)
            length += dot(way, way)
            rows = (len(step), -1) if patch.rows is not None else (1, -1)
            moved, still = (_squares(part.reshape(rows)) for part in (step, base))
            count = int((moved > LEAST_CHANGE**2 * still).sum())
            changed += count > 0
            moved_rows += count if patch.rows is not None else 0
            squares += float(moved.sum())
            base_squares += float(still.sum())
        named = moved_rows if all(patch.rows is not None for patch in patches) else None
        change = (squares / max(base_squares, 1e-24)) ** 0.5
        networks.append(NetworkEffect(network, named, changed, change))
    return Effect(edit, strength, along / length, tuple(networks))


def _squares(rows: np.ndarray) -> np.ndarray:
    """The squared length of each row."""
    if len(rows) == 1:
        return np.array([dot(rows, rows)])
    return np.einsum("ij,ij->i", rows, rows)


def _check_in_force(effects: Sequence[Effect]) -> None:
    for effect in effects if len(effects) > 1 else ():
        if effect.share < _UNDONE * effect.strength:
            edit = effect.edit
            others = [other.edit for other in effects if other is not effect]
            raise UnlearningError(
                f"the edit {edit.method}/{edit.concept} is undone by the others applied with it ("
                f"{', '.join(f'{other.method}/{other.concept}' for other in others)}): leave one "
                "of them out"
            )
