"""How much of every class the training material holds."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from backend.datasets.actions import VIOLENT_KINDS
from backend.datasets.sources import Clip
from backend.motion.lengths import FPS

_SPLITS: Final = ("train", "val", "test")


@dataclass
class ClassShare:
    """Clips, segments and minutes of one class.

    A clip counts for every class it shows; a frame counts once per class, however many segments
    of that class cover it.
    """

    kind: str
    clips: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SPLITS, 0))
    segments: int = 0
    minutes: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def total_minutes(self) -> float:
        """Minutes of all sources."""
        return sum(self.minutes.values())


def class_shares(clips: Iterable[Clip]) -> list[ClassShare]:
    """Count every class, those with the most minutes first."""
    shares: dict[str, ClassShare] = {}
    for clip in clips:
        covered: dict[str, np.ndarray] = {}
        for segment in clip.segments:
            for action in segment.actions:
                share = shares.setdefault(action.kind, ClassShare(action.kind))
                share.segments += 1
                frames = covered.setdefault(action.kind, np.zeros(len(clip.joints), dtype=bool))
                frames[segment.start : segment.end] = True
        for kind, frames in covered.items():
            shares[kind].clips[clip.split] += 1
            shares[kind].minutes[clip.source] += int(frames.sum()) / FPS / 60
    return sorted(shares.values(), key=lambda share: -share.total_minutes)


def class_table(clips: Iterable[Clip]) -> str:
    """The counts as a Markdown table; violent classes are marked."""
    clips = list(clips)
    sources = sorted({clip.source for clip in clips})
    head = ["class", *(f"{split} clips" for split in _SPLITS), "segments"]
    head += ["minutes", *(f"of {source}" for source in sources)]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for share in class_shares(clips):
        name = share.kind + (" (violent)" if share.kind in VIOLENT_KINDS else "")
        cells = [name, *(str(share.clips[split]) for split in _SPLITS), str(share.segments)]
        cells += [f"{share.total_minutes:.1f}"]
        cells += [
            f"{share.minutes[source]:.1f}" if share.minutes[source] else "" for source in sources
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
