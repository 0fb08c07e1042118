"""Which frames the networks see when ranges of a motion are made anew, and which tokens change."""

from dataclasses import replace

import numpy as np
import pytest
from sample_motions import walking_motion

from backend.generation.context import GenerationContext
from backend.generation.editing import edit_motion
from backend.generation.token_inpainting import (
    SEAM,
    Seam,
    inpaint,
    pad_cyclic,
    segment_lengths,
    window_round,
)
from backend.generation.token_sampler import derived_seed
from backend.models.reference_quirks import PUBLISHED
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES, MAX_TOKENS
from shared.errors import PlacidError
from shared.protocol.requests import EditMotion


class Codec:
    """Remembers the joints that it is given; its motions are they, all contacts down."""

    convention = "placid"

    def __init__(self):
        self.seen = []

    def encode(self, joints):
        self.seen.append(joints)
        tokens = (len(joints) - 1) // FRAMES_PER_TOKEN
        return np.full((tokens, 2), len(self.seen) - 1)

    def decode(self, ids):
        joints = self.seen[int(ids[0, 0])]
        return joints, np.ones((len(joints), 4), bool)


class Sampler:
    """Gives back the tokens of every draft, and keeps the drafts."""

    def __init__(self):
        self.specs = []

    def sample(self, specs, progress):
        progress(0.0, "motion")
        for number, spec in enumerate(specs, 1):
            self.specs.append(spec)
            progress(number / len(specs), "motion")
            yield spec.ids


def edit(motion, *frames, seeds=(7,)):
    """The drafts that are made, what was told, and the motions."""
    told = []
    codec, sampler = Codec(), Sampler()
    context = GenerationContext(
        sampler, codec, lambda prompts: np.zeros((len(prompts), 3)), lambda f, _: told.append(f)
    )
    made = edit_motion(EditMotion("jumps", frames=frames), motion, seeds, context)
    return sampler.specs, codec.seen, told, [motion for motion, _ in made]


def test_the_published_edit_ends_early_and_draws_all_residual_layers() -> None:
    codec, sampler = Codec(), Sampler()
    context = GenerationContext(
        sampler, codec, lambda prompts: np.zeros((len(prompts), 3)), lambda f, _: None, PUBLISHED
    )
    edit_motion(EditMotion("jumps", frames=((21, 39),)), walking_motion(60), (7,), context)
    [spec] = sampler.specs
    assert changed(spec) == list(range(5, 9))
    assert spec.all_residuals
    [own], *_ = edit(walking_motion(60), (21, 39))
    assert changed(own) == list(range(5, 10))
    assert not own.all_residuals


def changed(spec):
    return np.flatnonzero(spec.editable).tolist()


@pytest.mark.parametrize(
    ("frames", "tokens"),
    [((20, 40), range(5, 10)), ((21, 40), range(5, 10)), ((19, 41), range(4, 11)),
     ((0, 4), range(1)), ((56, 60), range(14, 14)), ((0, 60), range(14))],
)  # fmt: skip
def test_the_tokens_that_hold_a_range_are_made_anew(frames, tokens):
    [spec], [seen], _, _ = edit(walking_motion(60), frames)
    assert len(seen) == 60
    assert changed(spec) == [token for token in tokens if token < len(spec.ids)]


def test_a_motion_of_another_rate_is_seen_at_the_networks_own():
    motion = replace(walking_motion(120), fps=2 * FPS)
    [spec], [seen], _, [made] = edit(motion, (40, 80))
    assert len(seen) == 60
    assert changed(spec) == list(range(5, 10))
    assert (made.fps, len(made), made.up) == (motion.fps, 120, motion.up)


def test_several_ranges_of_a_short_motion_are_made_together():
    specs, _, told, _ = edit(walking_motion(MAX_FRAMES), (10, 20), (100, 120), seeds=(1, 2))
    assert [spec.seed for spec in specs] == [derived_seed(1, 0), derived_seed(2, 0)]
    for spec in specs:
        assert changed(spec) == [*range(2, 5), *range(25, 30)]
    assert told[0] == 0.0
    assert told[-1] == pytest.approx(1.0)


def test_in_a_long_motion_the_window_lies_round_the_range():
    motion = walking_motion(400)
    [spec], [seen], _, _ = edit(motion, (200, 220))
    assert len(seen) == MAX_FRAMES
    start = (200 + 220 - MAX_FRAMES) // 2
    np.testing.assert_array_equal(seen, motion.joints[start : start + MAX_FRAMES])
    first, last = (200 - start) // FRAMES_PER_TOKEN, -(-(220 - start) // FRAMES_PER_TOKEN)
    assert changed(spec) == list(range(first, last))


@pytest.mark.parametrize(("frames", "start"), [((0, 20), 0), ((390, 400), 400 - MAX_FRAMES)])
def test_at_the_rims_the_window_stays_inside(frames, start):
    motion = walking_motion(400)
    _, [seen], _, _ = edit(motion, frames)
    np.testing.assert_array_equal(seen, motion.joints[start : start + MAX_FRAMES])


def test_ranges_that_lie_far_apart_are_made_one_after_the_other():
    specs, _, told, _ = edit(walking_motion(400), (20, 30), (40, 50), (300, 310))
    assert [spec.seed for spec in specs] == [derived_seed(7, 0), derived_seed(7, 1)]
    assert len(changed(specs[0])) == 3 + 3
    assert told == pytest.approx([0.0, 0.5, 0.5, 1.0])


def test_a_range_needs_something_to_see_on_both_sides():
    most = MAX_FRAMES - 2 * 16
    motion = walking_motion(400)
    edit(motion, (100, 100 + most))
    with pytest.raises(PlacidError, match=f"at most {most} can be made anew") as refused:
        edit(motion, (100, 101 + most))
    assert refused.value.code == "bad_request"
    # What is together as long as one window shows is made together, one frame more is not.
    assert len(edit(motion, (100, 110), (90 + most, 100 + most))[0]) == 1
    assert len(edit(motion, (100, 110), (91 + most, 101 + most))[0]) == 2


def test_contacts_come_from_the_new_frames_inside_the_ranges_alone():
    motion = walking_motion(60)
    motion = replace(motion, contacts=np.zeros((60, 4), bool))
    _, _, _, [made] = edit(motion, (20, 30))
    np.testing.assert_array_equal(made.contacts.all(axis=1), (np.arange(60) // 10) == 2)
    np.testing.assert_allclose(made.joints, motion.joints, atol=1e-3)


def test_a_window_round_a_seam_shows_as_much_as_the_networks_can():
    window = window_round(60, 120)
    assert window.positions.tolist() == list(range(60 - MAX_TOKENS // 2, 60 + MAX_TOKENS // 2))
    assert window.positions[window.editable].tolist() == [58, 59, 60, 61]
    at_the_start = window_round(2, 120)
    assert at_the_start.positions.tolist() == list(range(2 + MAX_TOKENS // 2))
    assert window_round(118, 120).positions.tolist() == list(range(118 - MAX_TOKENS // 2, 120))


@pytest.mark.parametrize(("total", "width"), [(2, 1), (3, 1), (6, 2), (30, SEAM)])
def test_of_a_short_whole_a_third_to_each_side_is_made_anew(total, width):
    window = window_round(total // 2, total)
    wanted = [t for t in range(total) if abs(t + 0.5 - total // 2) < width]
    assert window.positions[window.editable].tolist() == wanted


def test_round_a_loop_the_end_is_before_the_beginning():
    window = window_round(0, 10, cyclic=True)
    assert window.positions.tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]
    assert window.positions[window.editable].tolist() == [8, 9, 0, 1]
    long = window_round(0, 100, cyclic=True)
    assert len(long.positions) == 2 * (MAX_TOKENS // 2)
    assert window_round(0, 7, cyclic=True).positions.tolist() == [4, 5, 6, 0, 1, 2]
    padded, before = pad_cyclic(np.arange(10))
    np.testing.assert_array_equal(padded, np.arange(-before, 10 + before) % 10)


def test_only_the_tokens_round_a_seam_are_replaced():
    class Renewing(Sampler):
        def sample(self, specs, progress):
            for spec in specs:
                self.specs.append(spec)
                yield spec.ids + 100

    wholes = [np.arange(20)[:, None], np.arange(30, 50)[:, None]]
    seams = [Seam(0, 5, np.zeros(3), 1), Seam(1, 10, np.zeros(3), 2)]
    first, second = inpaint(wholes, seams, Renewing(), lambda *_: None)
    assert (first - wholes[0]).ravel().nonzero()[0].tolist() == [3, 4, 5, 6]
    assert (second - wholes[1]).ravel().nonzero()[0].tolist() == [8, 9, 10, 11]
    assert wholes[0].max() == 19


def test_the_lengths_of_parts_add_up():
    assert segment_lengths([1.0, 1.0, 1.0], 20.0) == [5, 5, 5]
    assert segment_lengths([0.7, 0.7, 0.7], 20.0) == [4, 3, 3]
    assert segment_lengths([0.01, 30.0], 20.0) == [1, MAX_TOKENS]
    assert segment_lengths([1.0, 1.0], 30.0) == [8, 7]
