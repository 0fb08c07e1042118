"""What the results say of their safety: the effect that was measured on the weights."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from backend.generation.redraws import Redraw, redraws_in
from backend.unlearning.application import Effect
from backend.unlearning.summary import records, summarise
from shared.motion.blocks import blocks_entry, blocks_in
from shared.motion.motion import Motion
from shared.motion.safety import (
    UNKNOWN,
    Label,
    changes_of,
    label_entries,
    label_of,
    parts_of,
    replaced,
    weakest,
)

# What an edit notes of the motion that it is of.
_OF_EDITS: Final = ("parts", "origin", "edited", "timeline", "redraws", "understanding", "match")


def effect_entries(
    method: str, effects: Sequence[Effect], guarded: Sequence[str] = ()
) -> dict[str, Any]:
    """The entries of a provenance for what was made with these edits in force.

    Args:
        method: that was asked for; the label is `off` where it had no effect.
        guarded: the concepts that the token guard watched for.
    """
    label = Label.of(method, records(effects), guarded)
    return label_entries(label) | {"changes": summarise(effects)}


def edited_entries(
    motion: Motion, frames: Sequence[tuple[int, int]], made: dict[str, Any]
) -> dict[str, Any]:
    """The entries of a provenance for a motion of which ranges of frames were made anew.

    The motion as a whole is labelled by the weakest of its parts.

    Args:
        motion: before; what made it is kept under `origin`.
        frames: ranges [start, end).
        made: the provenance of the new frames.
    """
    parts = replaced(parts_of(motion.provenance, len(motion)), frames, label_of(made))
    origin = motion.provenance.get("origin") or {
        "prompt": motion.prompt,
        "seed": motion.seed,
        "provenance": motion.provenance,
    }
    spans = ", ".join(f"{start} to {end - 1}" for start, end in frames)
    changes = [*changes_of(motion.provenance)]
    changes += [f"frames {spans}: {change}" for change in made["changes"]]
    return label_entries(weakest(parts), parts) | {
        "changes": changes,
        "origin": origin,
        "edited": {
            "prompt": motion.prompt,
            "seed": motion.seed,
            "frames": [list(span) for span in frames],
        },
    }


def repaired_entries(
    motion: Motion, span: tuple[int, int], made: dict[str, Any], first: int
) -> dict[str, Any]:
    """The entries of a provenance for a motion of which one more range was taken out.

    Args:
        motion: before; `repaired` in its provenance names the ranges that were taken out of it.
        span: the range [start, end).
        made: the provenance of an edit of a part of it, about which nothing was known before.
        first: the frame in which that part begins.
    """
    parts = parts_of(made, 1)
    new = next((part.label for part in parts if part.label.safety != UNKNOWN), parts[-1].label)
    redraws = [redraw for redraw in redraws_in(made) if isinstance(redraw, Redraw)]
    elsewhere = {f"{redraw.concept}: {redraw.sentence}" for redraw in redraws}
    told = dict.fromkeys(change.partition(": ")[2] for change in changes_of(made))
    redraws = [redraw.moved(first) for redraw in redraws]
    changes = [change for change in told if change not in elsewhere]
    changes += [f"{redraw.concept}: {redraw.sentence}" for redraw in redraws]
    entries = edited_entries(motion, [span], label_entries(new) | {"changes": changes})
    del entries["edited"]
    ranges: list[list[int]] = []
    for start, end in sorted([*motion.provenance.get("repaired", ()), list(span)]):
        if ranges and start <= ranges[-1][1]:
            ranges[-1][1] = max(ranges[-1][1], end)
        else:
            ranges.append([start, end])
    kept = {key: value for key, value in made.items() if key not in _OF_EDITS}
    former = [*motion.provenance.get("redraws", ()), *msgspec.to_builtins(redraws)]
    return (
        kept
        | entries
        | blocks_entry(blocks_in(motion.provenance))
        | ({"redraws": former} if former else {})
        | {"repaired": ranges}
    )
