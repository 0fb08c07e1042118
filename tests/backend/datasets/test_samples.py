"""Samples drawn from segments: their lengths, what they must show, what may be said of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from backend.datasets.actions import Action
from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import LONGEST, SHORTEST, Sample, SamplePool
from backend.datasets.sources import Segment
from backend.motion.features import FEATURES

NUMBER, FRAME = 3, 4  # columns that blending leaves alone outside transitions


def clip(number: int, frames: int, *segments: Segment, split: str = "train") -> PreparedClip:
    """A clip whose rows tell the clip's number and their own."""
    rows = np.ones((frames, FEATURES), np.float32)
    rows[:, NUMBER], rows[:, FRAME] = number, np.arange(frames)
    return PreparedClip(f"clip{number}", "toy", split, "plain", rows, segments)


def whole(frames: int, kind: str, **more: object) -> Segment:
    return Segment(0, frames, Action(kind), **more)  # type: ignore[arg-type]


def draws(pool: SamplePool, count: int = 150) -> list[Sample]:
    return [pool.draw(np.random.default_rng(seed)) for seed in range(count)]


def single(samples: list[Sample]) -> list[Sample]:
    """Samples of one unbroken stretch of a clip."""
    return [s for s in samples if (np.diff(s.features[:, FRAME]) == 1).all()]


def test_lengths_are_whole_tokens_within_the_bounds() -> None:
    pool = SamplePool(
        [
            clip(0, 13, whole(13, "kick")),
            clip(1, 50, whole(50, "bow")),
            clip(2, 1000, whole(1000, "walk_forward")),
        ],
        "train",
    )
    lengths = [len(sample.features) for sample in draws(pool, 300)]
    assert all(length % 4 == 0 for length in lengths)
    assert min(lengths) == SHORTEST
    assert LONGEST - 8 <= max(lengths) <= LONGEST
    assert len(set(lengths)) > 25


def test_other_splits_and_scraps_are_never_shown() -> None:
    clips = [
        clip(0, 100, whole(100, "walk_forward")),
        clip(1, 100, whole(100, "walk_forward"), split="val"),
        clip(2, 100, whole(100, "kick"), split="test"),
        clip(3, 100, Segment(0, 11, Action("bow")), Segment(40, 100, Action("jump"))),
    ]
    pool = SamplePool(clips, "train")
    for sample in draws(pool):
        assert {action.kind for action in sample.actions} <= {"walk_forward", "jump"}
        tagged = sample.features[np.isin(sample.features[:, NUMBER], (1, 2))]
        assert len(tagged) == 0 or not (tagged[:, FRAME] % 1 == 0).all()
    only = draws(SamplePool(clips, "val"), 40)
    assert {int(number) for s in only for number in s.features[:, NUMBER]} == {1}


def test_a_crop_shows_the_core() -> None:
    pool = SamplePool([clip(0, 400, whole(400, "kick", core=(200, 230)))], "train")
    cropped = single(draws(pool))
    assert len(cropped) > 30
    starts = set()
    for sample in cropped:
        frames = sample.features[:, FRAME]
        starts.add(frames[0])
        assert frames[0] <= 200
        # Up to three frames fall away to make whole tokens.
        assert frames[-1] >= 229 - 3
    assert len(starts) > 20


def test_a_core_longer_than_asked_for_is_shown_as_far_as_a_motion_goes() -> None:
    pool = SamplePool([clip(0, 400, whole(400, "jump", core=(150, 300)))], "train")
    for sample in single(draws(pool, 60)):
        frames = sample.features[:, FRAME]
        assert frames[0] <= 150
        assert frames[-1] >= 299 - 3


def test_a_sequence_is_cut_at_its_end_alone() -> None:
    then = (Action("kick"),)
    pool = SamplePool([clip(0, 300, whole(300, "run", then=then))], "train")
    for sample in single(draws(pool, 60)):
        assert sample.features[0, FRAME] == 0
        assert [action.kind for action in sample.actions] == ["run", "kick"]


def test_a_whole_segment_tells_how_long_its_action_takes() -> None:
    segment = Segment(10, 70, Action("bow"), captions=("takes a deep bow",))
    samples = draws(SamplePool([clip(0, 200, segment)], "train"))
    natural = [sample for sample in samples if sample.natural]
    assert 0.2 < len(natural) / len(samples) < 0.5
    for sample in natural:
        np.testing.assert_array_equal(sample.features[:, FRAME], np.arange(10, 70))
        assert sample.human == ("takes a deep bow",)


@pytest.mark.parametrize("frames", [SHORTEST - 1, LONGEST + 1])
def test_segments_that_no_motion_can_be_as_long_as_are_never_natural(frames: int) -> None:
    pool = SamplePool([clip(0, frames, whole(frames, "bow"))], "train")
    assert not any(sample.natural for sample in draws(pool, 60))


def test_captions_by_people_stand_for_whole_segments_alone() -> None:
    segment = whole(100, "dance", captions=("moves like a leaf",))
    kept = Counter()
    for sample in draws(SamplePool([clip(0, 100, segment)], "train")):
        complete = len(sample.features) == 100 and len(single([sample])) == 1
        assert bool(sample.human) == complete
        kept[complete] += 1
    assert min(kept[True], kept[False]) > 20


def test_a_motion_under_the_shortest_is_held_at_its_last_pose() -> None:
    pool = SamplePool([clip(0, 13, whole(13, "kick"))], "train")
    held = [s for s in draws(pool) if len(single([replace(s, features=s.features[:13])]))]
    held = [s for s in held if len(s.features) == SHORTEST and (s.features[13:, FRAME] == 12).all()]
    assert held
    for sample in held:
        rest = sample.features[13:]
        assert (rest[:, :3] == 0).all()  # the root stands still, and so do the joints
        assert (rest[:, 193:259] == 0).all()
        np.testing.assert_array_equal(
            rest[:, 5:193], np.repeat(sample.features[12:13, 5:193], 11, 0)
        )


def test_joined_motions_name_what_follows_and_repeats_once() -> None:
    clips = [clip(n, 30, whole(30, kind)) for n, kind in enumerate(("bow", "jump"))]
    named = Counter(tuple(a.kind for a in s.actions) for s in draws(SamplePool(clips, "train")))
    assert set(named) == {("bow",), ("jump",), ("bow", "jump"), ("jump", "bow")}
    assert all(count > 5 for count in named.values())


def test_two_manners_of_one_action_are_named_by_neither() -> None:
    clips = [
        clip(n, 30, Segment(0, 30, Action("bow", style=style)))
        for n, style in enumerate(("old", "happy"))
    ]
    styles = Counter()
    for sample in draws(SamplePool(clips, "train")):
        shown = {int(n) for n in sample.features[:, NUMBER] if n in (0, 1)}
        (action,) = sample.actions
        styles[action.style] += 1
        if action.style is not None:
            assert len(shown) == 1
    assert set(styles) == {"old", "happy", None}


class TestChances:
    def test_add_up_to_one_with_and_without_kinds(self) -> None:
        clips = [
            clip(0, 900, Segment(0, 300, Action("run")), Segment(300, 900, Action("kick", "left"))),
            replace(clip(1, 90, whole(90, "kick")), source="other"),
            clip(2, 90, Segment(0, 11, Action("bow")), Segment(11, 90, Action("punch", "right"))),
            clip(3, 90, whole(90, "kick"), split="val"),
        ]
        pool = SamplePool(clips, "train")
        for kinds in (None, (), ("kick",), ("kick", "punch", "wave"), ("wave",)):
            chances = [chance for _, _, chance in pool.chances(kinds)]
            assert len(chances) == 4  # without what is too short and what is held out
            assert sum(chances) == pytest.approx(1)

    def test_wanted_kinds_are_alike_and_others_never_met(self) -> None:
        clips = [
            clip(number, frames, whole(frames, kind))
            for number, (kind, frames) in enumerate(
                (("run", 900), ("kick", 900), ("kick", 70), ("punch", 70))
            )
        ]
        wanted = ("kick", "punch", "wave")  # which nothing shows
        found = {c.id: chance for c, _, chance in SamplePool(clips, "train").chances(wanted)}
        assert found == pytest.approx({"clip0": 0, "clip1": 0.25, "clip2": 0.25, "clip3": 0.5})

    def test_kinds_that_nothing_shows_leave_the_others_as_they_are(self) -> None:
        clips = [clip(0, 5000, whole(5000, "sit")), clip(1, 100, whole(100, "kick"))]
        pool = SamplePool(clips, "train")
        asked, plain = ([chance for *_, chance in pool.chances(k)] for k in (("wave",), None))
        assert asked == plain
        assert plain[1] > plain[0] / 4 > 0  # strikes come before what fills the minutes

    def test_sides_are_alike_and_sources_by_their_square_roots(self) -> None:
        def kick(number: int, side: str, source: str) -> PreparedClip:
            segment = Segment(0, 80, Action("kick", side))
            return replace(clip(number, 80, segment), source=source)

        clips = [kick(0, "left", "few"), kick(1, "right", "few")]
        clips += [kick(number, "right", "many") for number in range(2, 6)]
        found = [chance for *_, chance in SamplePool(clips, "train").chances()]
        assert found == pytest.approx([1 / 2, 1 / 2 / 3, *[1 / 2 * 2 / 3 / 4] * 4])

    def test_are_how_often_a_segment_is_drawn(self) -> None:
        clips = [
            clip(0, 2000, Segment(0, 2000, Action("sit"))),
            clip(1, 100, Segment(0, 100, Action("kick", "left"))),
            replace(clip(2, 100, Segment(0, 100, Action("kick", "right"))), source="other"),
            clip(3, 100, Segment(0, 100, Action("kick", "right"))),
        ]
        pool = SamplePool(clips, "train")
        # A sample begins with the segment that was drawn.
        first = Counter(
            int(pool.draw(np.random.default_rng(seed)).features[0, NUMBER]) for seed in range(800)
        )
        for number, (_, _, chance) in enumerate(pool.chances()):
            assert first[number] / 800 == pytest.approx(chance, abs=0.05)
