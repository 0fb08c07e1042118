"""Readers of folders in the layout of the free motion data: `captions.jsonl` and `npz/*.npz`.

A line of `captions.jsonl` is a recording (`full_clip`) or a labelled span of one
(`labelled_segment`), with the name of its action. A source is one `Recordings` and a registration.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.datasets.free_labels import actions_of
from backend.datasets.sources import Clip, Segment, Tier, register_source
from backend.motion.lengths import FPS

FREE: Final = "free"
_TOES: Final = (10, 11)
_NEAR_FLOOR: Final = 0.03  # metres


@dataclass(frozen=True)
class Recordings:
    """One folder, and what is to be known of it.

    Attributes:
        name: of the folder and of the source.
        person, take: patterns of which the groups found in a clip's name, joined, are the person
            and the take; the whole name where there is none.
        stratum: the class that all clips count for in the split; that of their action if empty.
        repetitions: so many clips of one action of a person are taken.
        fastest: metres a second that a joint may move; more is an error of whoever animated it.
        most_slide: metres a second that toes on the floor may slide on average.
        left_out: clips or flags of clips and why nothing is to be learned from them.
    """

    name: str
    person: str = ""
    take: str = ""
    stratum: str = ""
    repetitions: int | None = None
    fastest: float | None = None
    most_slide: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def register(self, licence: str, tier: Tier, weight: float = 1.0) -> None:
        """Make the folder a source; for the arguments see `Source`."""
        register_source(self.name, licence, tier, f"{FREE}/{self.name}", weight)(self.read)

    def read(self, root: Path) -> Iterator[Clip]:
        """All clips of the folder below `root`, unfit ones with their reasons."""
        folder = root / FREE / self.name
        records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in (folder / "captions.jsonl").read_bytes().splitlines():
            record = msgspec.json.decode(line)
            records[record["clip"]].append(record)
        met: Counter[tuple[str, str]] = Counter()
        for name, spans in sorted(records.items()):
            whole = next(span for span in spans if span["kind"] == "full_clip")
            with np.load(folder / whole["npz"], allow_pickle=False) as arrays:
                joints = arrays["joints22"].astype(np.float32)
            person, action = _found(self.person, name), whole["action"]
            met[person, action] += 1
            unfit = self._unfit(name, whole, joints, met[person, action])
            yield Clip(
                f"{self.name}/{name}",
                self.name,
                joints,
                tuple(_segments(joints, spans)),
                person=person and f"{self.name} {person}",
                take=f"{self.name} {_found(self.take, name) or name}",
                stratum=self.stratum or action,
                unfit=unfit,
            )

    def _unfit(self, name: str, whole: dict[str, Any], joints: np.ndarray, number: int) -> str:
        for reason in (self.left_out.get(key) for key in (name, *whole.get("flags", ()))):
            if reason:
                return reason
        if self.repetitions is not None and number > self.repetitions:
            return f"repetition {number} of {whole['action']!r} by the same person"
        speed = float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS)
        if self.fastest is not None and speed > self.fastest:
            return f"a joint moves at {speed:.1f} m/s"
        slide = toe_slide(joints)
        if self.most_slide is not None and slide > self.most_slide:
            return f"toes on the floor slide at {slide:.2f} m/s"
        return ""


def toe_slide(joints: np.ndarray) -> float:
    """Mean horizontal speed (m/s) of toes within 3 cm of their lowest place."""
    toes = joints[:, list(_TOES)]
    near = toes[..., 1] < np.percentile(toes[..., 1], 5) + _NEAR_FLOOR
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * FPS
    planted = near[:-1] & near[1:]
    return float(speed[planted].mean()) if planted.any() else 0.0


def _found(pattern: str, name: str) -> str:
    match = re.match(pattern, name) if pattern else None
    return " ".join(match.groups()) if match else ""


def _segments(joints: np.ndarray, spans: list[dict[str, Any]]) -> Iterator[Segment]:
    for span in spans:
        actions = actions_of(span["action"])
        if actions:
            first, *rest = actions
            yield Segment(span["start"], min(span["end"], len(joints)), first, (), tuple(rest))
