"""The real windows that generated motions are compared with."""

import numpy as np

from backend.datasets.actions import Action
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.reports.model_card import class_windows


def clip(name: str, kind: str, frames: int, split: str = "test") -> PreparedClip:
    rows = np.full((frames, 263), float(frames), dtype=np.float32)
    segment = Segment(0, frames, Action(kind), core=(frames // 2, frames // 2 + 4))
    return PreparedClip(name, "cmu", split, "plain", rows, (segment,))


def test_every_kind_counts_alike_however_few_its_windows():
    clips = [clip(f"walk {i}", "walk_forward", 120 + i) for i in range(9)]
    clips += [clip("kick", "kick", 40), clip("seen", "kick", 60, split="train")]
    windows = class_windows(clips, ["walk_forward", "kick", "bow"], per_class=4)
    found = [int(window[0, 0]) for window in windows]
    assert found[:4] == [120, 123, 125, 128]
    assert found[4:] == [40] * 4


def test_windows_are_whole_tokens_and_no_longer_than_generated_ones():
    windows = class_windows([clip("a", "run", 250), clip("b", "run", 43)], ["run"], per_class=2)
    assert [len(window) for window in windows] == [100, 40]


def test_too_short_segments_are_left_out():
    assert class_windows([clip("a", "run", 20)], ["run"]) == []
