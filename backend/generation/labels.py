"""What the results say of their safety: the effect that was measured on the weights."""

from collections.abc import Sequence
from typing import Any

from backend.unlearning.application import Effect
from backend.unlearning.summary import records, summarise
from shared.motion.motion import Motion
from shared.motion.safety import (
    Label,
    changes_of,
    label_entries,
    label_of,
    parts_of,
    replaced,
    weakest,
)


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
