"""Finds the mapping that fits a rig: a preset, or what names and shape of its bones suggest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .guess import guess
from .mapping import REQUIRED_JOINTS, Mapping, load_presets
from .skeleton_rig import Rig, RigError

_ENOUGH: Final = 0.75


@dataclass(frozen=True)
class Match:
    """A mapping, reduced to the bones that the rig has, and the share that it had.

    A mapping that was guessed has a score of 0.
    """

    mapping: Mapping
    score: float


def detect(rig: Rig, presets: Sequence[Mapping] = ()) -> Match:
    """The mapping that fits a rig best.

    Args:
        rig: the armature.
        presets: the user's own mappings, tried before those that ship with Placid.

    Raises:
        RigError: no preset fits, and neither names nor shape of the bones are a human's.
    """
    for mappings in (presets, load_presets()):
        matches = [m for preset in mappings if (m := _match(rig, preset)) is not None]
        best = max(matches, key=lambda match: match.score, default=None)
        if best is not None and best.score >= _ENOUGH:
            return best
    guessed = guess(rig)
    if guessed is None:
        raise RigError(
            f"{rig.name} has no bones that Placid recognises; choose its bones under Bone Mapping"
        )
    return Match(guessed, 0.0)


def _match(rig: Rig, preset: Mapping) -> Match | None:
    """The preset with the prefix that fits best, or None when a required bone is missing."""
    have = set(rig.bones)
    namespaces = {name.rpartition(":")[0] + ":" for name in rig.bones if ":" in name}
    best = None
    for prefix in (*preset.prefixes, *sorted(namespaces)):
        candidate = preset.prefixed(prefix)
        missing = set(candidate.all_bones()) - have
        if any(candidate.bones[joint] in missing for joint in REQUIRED_JOINTS):
            continue
        found = len(candidate.all_bones()) - len(missing)
        # More bones recognised is the better match when two presets fit completely.
        score = found / len(candidate.all_bones()) + 1e-3 * found
        if best is None or score > best.score:
            best = Match(candidate.without(missing), score)
    return best
