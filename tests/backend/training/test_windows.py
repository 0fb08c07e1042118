"""Windows for the RVQ-VAE: what they lie over, how often each is met, which rows they hold."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from backend.datasets.preparation import PreparedClip
from backend.motion.features import FEATURES
from backend.training.windows import Windows
from tests.backend.training.tiny import FRAME, NUMBER, marked_clip

FRAMES = 64


def over_actions(
    clips: Sequence[PreparedClip], count: int, kinds: Sequence[str] | None = None
) -> Tensor:
    """Windows (count, 64, 263) over what the clips show."""
    windows = Windows(clips, FRAMES, "cpu")
    places = windows.over_actions(kinds)
    return windows.gather(places.draw(count, np.random.default_rng(0)))


def shown(rows: Tensor) -> Counter[int]:
    """How often each clip is seen, by the number that its rows tell."""
    return Counter(rows[:, 0, NUMBER].int().tolist())


class TestOverActions:
    def test_lies_over_a_short_core_and_inside_a_long_one(self) -> None:
        for core in ((150, 170), (60, 250)):
            rows = over_actions([marked_clip(0, "kick", 300, core=core)], 60)
            starts = set()
            for frames in rows[..., FRAME].numpy():
                np.testing.assert_array_equal(np.diff(frames), 1)
                first, last = int(frames[0]), int(frames[-1]) + 1
                inside = core[0] <= first and last <= core[1]
                assert inside or (first <= core[0] and core[1] <= last)
                starts.add(first)
            assert len(starts) > 20

    def test_stays_inside_the_clip_at_either_end(self) -> None:
        for core in ((0, 10), (90, 100)):
            # Its neighbours have the same frames, and would be met beyond the ends.
            clips = [
                marked_clip(0, "run"),
                marked_clip(1, "kick", core=core),
                marked_clip(2, "sit"),
            ]
            rows = over_actions(clips, 20, ["kick"])
            assert rows.shape == (20, FRAMES, FEATURES)
            assert (rows[..., NUMBER] == 1).all()
            for frames in rows[..., FRAME]:
                assert frames[0] <= core[0]
                assert core[1] - 1 <= frames[-1]

    def test_shows_the_wanted_kinds_each_as_often(self) -> None:
        clips = [
            marked_clip(number, kind, frames)
            for number, (kind, frames) in enumerate((("run", 900), ("kick", 900), ("punch", 70)))
        ]
        counts = shown(over_actions(clips, 200, ("kick", "punch")))
        assert set(counts) == {1, 2}
        assert 75 < counts[1] < 125

    def test_strikes_come_more_often_than_their_minutes(self) -> None:
        clips = [marked_clip(0, "sit", 5000), marked_clip(1, "kick")]
        counts = shown(over_actions(clips, 200))
        assert counts[1] > 200 / 4 > 200 / 51  # of a fifty-first of the minutes

    def test_few_clips_of_one_source_are_not_lost_among_many_of_another(self) -> None:
        many = [marked_clip(number, "kick", 80, source="many") for number in range(1, 50)]
        counts = shown(over_actions([marked_clip(0, "kick", 80), *many], 200))
        assert 12 < counts[0] < 50  # an eighth, by the square roots of 1 and 49

    def test_every_place_over_a_long_core_is_met(self) -> None:
        rows = over_actions([marked_clip(0, "kick", 90, core=(10, 80))], 100)
        assert set(rows[:, 0, FRAME].int().tolist()) == set(range(10, 80 - FRAMES + 1))


class TestAnywhere:
    def test_follows_the_chances(self) -> None:
        clips = [marked_clip(number, "run", 64 + 100 * number) for number in range(4)]
        windows = Windows(clips, FRAMES, "cpu")
        places = windows.anywhere([1, 0, 4, 5])  # they need not add up to one
        counts = shown(windows.gather(places.draw(500, np.random.default_rng(0))))
        assert set(counts) == {0, 2, 3}
        assert 30 < counts[0] < 70
        assert 160 < counts[2] < 240

    def test_meets_the_first_and_the_last_row_and_nothing_beyond(self) -> None:
        clips = [marked_clip(0, "run", 64), marked_clip(1, "run", 70), marked_clip(2, "run", 64)]
        windows = Windows(clips, FRAMES, "cpu")
        places = windows.anywhere([1, 8, 1])
        rows = windows.gather(places.draw(300, np.random.default_rng(0)))
        assert (rows[..., NUMBER] == rows[:, :1, NUMBER]).all()
        for number, last in ((0, 0), (1, 6), (2, 0)):
            starts = rows[rows[:, 0, NUMBER] == number][:, 0, FRAME]
            assert set(starts.int().tolist()) == set(range(last + 1))

    def test_depends_on_the_random_numbers_alone(self) -> None:
        places = Windows([marked_clip(0, "run", 500)], FRAMES, "cpu").anywhere([1.0])
        first, again, other = (places.draw(20, np.random.default_rng(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
        assert len(places.draw(0, np.random.default_rng(0))) == 0


class TestGather:
    def test_returns_the_rows_of_the_clips_as_they_are(self) -> None:
        rng = np.random.default_rng(0)
        clips = [
            PreparedClip(
                clip.id,
                clip.source,
                clip.split,
                clip.variant,
                rng.normal(size=clip.features.shape).astype(np.float32),
                clip.segments,
            )
            for clip in (marked_clip(0, "run", 64), marked_clip(1, "kick", 80))
        ]
        rows = Windows(clips, FRAMES, "cpu").gather(np.array([64 + 16, 0, 64 + 3]))
        assert rows.dtype == torch.float32
        wanted = [clips[1].features[16:80], clips[0].features, clips[1].features[3:67]]
        np.testing.assert_array_equal(rows.numpy(), np.stack(wanted))

    def test_rows_lie_on_the_device(self) -> None:
        windows = Windows([marked_clip(0, "run")], FRAMES, "meta")
        assert windows.gather(np.array([0, 5])).device.type == "meta"
