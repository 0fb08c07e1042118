"""Bandai Namco Research motion dataset 1 and 2: content and style labels (CC BY-NC 4.0)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.datasets.sources import Clip, Segment, register_source

_CONTENT: Final = {
    "bow": Action("bow"),
    "bye": Action("wave", side="right"),
    "byebye": Action("wave", side="both"),
    "call": Action("call"),
    "dance-short": Action("dance"),
    "dash": Action("run", speed="fast"),
    "guide": Action("guide"),
    "kick": Action("kick", variant="spin"),
    "punch": Action("punch"),
    "raise-up-both-hands": Action("raise_hand", side="both"),
    "raise-up-left-hand": Action("raise_hand", side="left"),
    "raise-up-right-hand": Action("raise_hand", side="right"),
    "respond": Action("raise_hand", side="left", variant="respond"),
    "run": Action("run"),
    "slash": Action("sword"),
    "walk": Action("walk_forward"),
    "walk-back": Action("walk_backward"),
    "walk-left": Action("walk_diagonal_left"),
    "walk-right": Action("walk_diagonal_right"),
    "walk-turn-left": Action("turn_left"),
    "walk-turn-right": Action("turn_right"),
    "wave-both-hands": Action("wave", side="both"),
    "wave-left-hand": Action("wave", side="left"),
    "wave-right-hand": Action("wave", side="right"),
}

# Two recording campaigns name some of the same styles differently.
_STYLE: Final = {
    "normal": None,
    "masculinity": "masculine",
    "elderly": "old",
    "exhausted": "tired",
    "not-confident": "timid",
    "chimpira": "swaggering",
}


@register_source(
    "bandai", "CC BY-NC 4.0, credit Bandai Namco Research Inc.", "NC", folder="bandai_namco"
)
def read_bandai(root: Path) -> Iterator[Clip]:
    """Read `bandai_namco/meta.json` and `joints22_20fps.npz` below `root`."""
    folder = root / "bandai_namco"
    records = msgspec.json.decode((folder / "meta.json").read_bytes(), type=list[dict[str, Any]])
    with np.load(folder / "joints22_20fps.npz", allow_pickle=False) as arrays:
        for record in records:
            joints = arrays[record["id"]].astype(np.float32)
            base = _CONTENT[record["content"]]
            style = _STYLE.get(record["style"], record["style"])
            action = Action(base.kind, base.side, style, base.speed, base.variant)
            yield Clip(record["id"], "bandai", joints, tuple(_segments(joints, action)))


def _segments(joints: np.ndarray, action: Action) -> Iterator[Segment]:
    if action.kind in ("kick", "punch"):
        events = geometry.strikes(joints, action.kind)
        yield from geometry.strike_segments(len(joints), events, action)
        return
    action = geometry.with_speed(action, joints)
    whole = Segment(0, len(joints), action, core=geometry.core(joints, action))
    yield whole
    if whole.core and action.kind.startswith("turn"):
        yield from geometry.straight_parts(joints, whole)
