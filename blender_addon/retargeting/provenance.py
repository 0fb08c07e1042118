"""What made a motion, as it stays with an action and travels in files of other programs.

Each entry is a custom property of its own, for people; `placid` is all of it as JSON, for programs.
"""

from collections.abc import Mapping
from typing import Any, Final

import bpy
import msgspec

from ..shared.motion.motion import Motion

KEY: Final = "placid"
AUDIT_KEY: Final = "placid_audit"


def note_provenance(action: bpy.types.Action, motion: Motion) -> None:
    """Let what made the motion be read on its action."""
    action["placid_prompt"] = motion.prompt
    if motion.seed is not None:
        action["placid_seed"] = str(motion.seed)
    for key, value in motion.provenance.items():
        action[f"placid_{key}"] = str(value)
    if motion.audit is not None:
        action[AUDIT_KEY] = motion.audit.sentence(motion.fps)
    action[KEY] = record_of(motion)


def record_of(motion: Motion) -> str:
    """Prompt, seed, provenance and audit as JSON."""
    record: dict[str, Any] = {
        "prompt": motion.prompt,
        "seed": motion.seed,
        "fps": motion.fps,
        "provenance": motion.provenance,
        "audit": None if motion.audit is None else msgspec.to_builtins(motion.audit),
    }
    return msgspec.json.encode(record).decode()


def properties_of(action: bpy.types.Action) -> dict[str, str]:
    """The custom properties of an action that tell what made it; none where Placid did not."""
    found: Mapping[str, Any] = dict(action.items())
    return {
        key: value
        for key, value in found.items()
        if isinstance(value, str) and (key == KEY or key.startswith("placid_"))
    }
