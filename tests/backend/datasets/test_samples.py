"""Samples drawn from segments: their lengths, what they must show, what may be said of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from backend.datasets.actions import Action
from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import Sample, SamplePool
from backend.datasets.sources import Segment
from backend.motion.features import FEATURES
from backend.motion.lengths import MAX_FRAMES, MIN_FRAMES

NUMBER, FRAME = 67, 68  # columns that tell no pose and that blending leaves alone elsewhere


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
    assert MIN_FRAMES <= min(lengths) <= 40
    assert MAX_FRAMES - 8 <= max(lengths) <= MAX_FRAMES
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
    shown = {float(number) for s in only for number in s.features[:, NUMBER]}
    assert shown & {0.0, 1.0, 2.0, 3.0} == {1.0}


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
    segment = Segment(10, 70, Action("bow"), captions=("takes a deep bow",), whole=True)
    samples = draws(SamplePool([clip(0, 200, segment)], "train"))
    natural = [sample for sample in samples if sample.natural]
    assert 0.4 < len(natural) / len(samples) < 0.8
    for sample in natural:
        np.testing.assert_array_equal(sample.features[:, FRAME], np.arange(10, 70))
        assert sample.human == ("takes a deep bow",)


@pytest.mark.parametrize("frames", [MIN_FRAMES - 1, MAX_FRAMES + 1])
def test_segments_that_no_motion_can_be_as_long_as_are_never_natural(frames: int) -> None:
    pool = SamplePool([clip(0, frames, whole(frames, "bow", whole=True))], "train")
    assert not any(sample.natural for sample in draws(pool, 60))


def test_captions_by_people_stand_for_whole_segments_alone() -> None:
    segment = whole(100, "dance", captions=("moves like a leaf",))
    kept = Counter()
    for sample in draws(SamplePool([clip(0, 100, segment)], "train")):
        complete = len(sample.features) == 100 and len(single([sample])) == 1
        assert bool(sample.human) == complete
        kept[complete] += 1
    assert min(kept[True], kept[False]) > 20


def test_what_is_too_short_alone_is_gone_on_with() -> None:
    pool = SamplePool([clip(0, 13, whole(13, "kick"))], "train")
    for sample in draws(pool):
        assert len(sample.features) >= MIN_FRAMES
        assert {action.kind for action in sample.actions} == {"kick"}


def test_joined_motions_name_what_follows_and_repeats_once() -> None:
    clips = [clip(n, 30, whole(30, kind)) for n, kind in enumerate(("bow", "jump"))]
    named = Counter(
        tuple(a.kind for a in s.actions) for s in draws(SamplePool(clips, "train"), 500)
    )
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


class TestFamilies:
    def shares(self, *clips: PreparedClip) -> dict[str, float]:
        found = SamplePool(clips, "train").chances()
        return {prepared.id: chance for prepared, _, chance in found}

    def test_count_whatever_their_minutes(self) -> None:
        walk, bow = clip(0, 9000, whole(9000, "walk_forward")), clip(1, 60, whole(60, "bow"))
        assert self.shares(walk, bow) == pytest.approx({"clip0": 8 / 10, "clip1": 2 / 10})

    def test_hand_keyed_kinds_are_rare(self) -> None:
        keyed = replace(clip(0, 400, whole(400, "push_up")), source="kaykit_cc0")
        real = clip(1, 400, whole(400, "squat"))
        found = self.shares(keyed, real)
        assert found["clip0"] / found["clip1"] == pytest.approx(0.2**0.5)

    def test_setting_off_is_no_walk(self) -> None:
        start = Segment(0, 90, Action("stand"), then=(Action("walk_forward"),))
        found = self.shares(clip(0, 90, start), clip(1, 90, whole(90, "walk_forward")))
        assert found == pytest.approx({"clip0": 4 / 12, "clip1": 8 / 12})


class TestSpeeds:
    def test_the_outer_thirds_of_a_source_are_slow_and_fast(self) -> None:
        paces = np.linspace(0.5, 1.5, 12)
        clips = [clip(n, 90, whole(90, "walk_forward", pace=p)) for n, p in enumerate(paces)]
        # As fast as the fastest, but the slowest of its own source.
        others = [
            replace(clip(20 + n, 90, whole(90, "walk_forward", pace=1.5 + p)), source="other")
            for n, p in enumerate(paces)
        ]
        pool = SamplePool([*clips, *others], "train")
        said = {prepared.id: segment.action.speed for prepared, segment, _ in pool.chances()}
        assert [said[f"clip{n}"] for n in (0, 5, 6, 11)] == ["slow", None, None, "fast"]
        assert [said[f"clip{n}"] for n in (20, 31)] == ["slow", "fast"]

    def test_nobody_stands_fast(self) -> None:
        clips = [clip(n, 90, whole(90, "stand", pace=float(n))) for n in range(20)]
        said = {s.action.speed for _, s, _ in SamplePool(clips, "train").chances()}
        assert said == {None}


def test_what_only_holds_for_a_whole_window_is_not_cropped() -> None:
    for action in (Action("walk_circle_left"), Action("walk_forward", count=4)):
        pool = SamplePool([clip(0, 150, Segment(0, 150, action))], "train")
        for sample in single(draws(pool, 60)):
            assert sample.features[0, FRAME] == 0
            assert sample.features[-1, FRAME] >= 149 - 3


def test_numbers_of_repetitions_add_up_and_steps_do_not() -> None:
    jump = clip(0, 30, Segment(0, 30, Action("jump", count=1), core=(5, 25)))
    counts = {s.actions[0].count for s in draws(SamplePool([jump], "train"))}
    assert {1, 2, 3} <= counts
    walk = clip(0, 60, Segment(0, 60, Action("walk_forward", count=3)))
    counts = {s.actions[0].count for s in draws(SamplePool([walk], "train"))}
    assert counts == {3, None}


def test_a_neutral_stand_comes_before_and_behind() -> None:
    clips = [clip(0, 90, whole(90, "bow")), clip(1, 60, whole(60, "stand"))]
    edges = Counter()
    for sample in draws(SamplePool(clips, "train"), 400):
        numbers = sample.features[:, NUMBER]
        if 0 in numbers and 1 in numbers:
            named = [action.kind for action in sample.actions]
            edges["before" if numbers[0] == 1 else "behind", "stand" in named] += 1
    assert {key[0] for key in edges} == {"before", "behind"}
    assert edges["before", False] > 5 < edges["behind", False]
