"""Finds the mapping that fits a rig by the names of its bones."""

from dataclasses import dataclass
from typing import Final

from .mapping import REQUIRED_JOINTS, Mapping, load_presets
from .skeleton_rig import Rig, RigError

_ENOUGH: Final = 0.75


@dataclass(frozen=True)
class Match:
    """A mapping, reduced to the bones that the rig has, and the share that it had."""

    mapping: Mapping
    score: float


def detect(rig: Rig) -> Match:
    """The preset whose bones the rig has. Raises RigError when none fits."""
    matches = [m for preset in load_presets() if (m := _match(rig, preset)) is not None]
    best = max(matches, key=lambda match: match.score, default=None)
    if best is None or best.score < _ENOUGH:
        raise RigError(
            f"{rig.name} has no bones that Placid recognises; choose a bone mapping for it"
        )
    return best


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
