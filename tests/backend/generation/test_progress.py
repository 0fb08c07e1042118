"""What is told of how far a request is: every part has its share, and nothing goes back."""

import numpy as np
import pytest

from backend.generation.context import never_falling, subprogress
from backend.generation.samplers.steps import Step
from backend.generation.token_sampler import SampleSpec, _alike, _Steps, padded


class Told(list):
    """A report of progress that keeps what it is told."""

    def __call__(self, fraction, stage):
        self.append((round(fraction, 9), stage))


def test_a_part_is_told_as_its_share_of_the_whole():
    told = Told()
    part = subprogress(told, 0.25, 0.5)
    for fraction in (0.0, 0.5, 1.0):
        part(fraction, "motion")
    assert told == [(0.25, "motion"), (0.5, "motion"), (0.75, "motion")]
    subprogress(part, 0.5, 0.5)(1.0, "detail")
    assert told[-1] == (0.75, "detail")


def test_what_is_begun_again_does_not_go_back():
    told = Told()
    rising = never_falling(told)
    for fraction in (0.0, 0.4, 0.1, 0.6, 0.2, 1.0):
        rising(fraction, "motion")
    assert [fraction for fraction, _ in told] == [0.0, 0.4, 0.4, 0.6, 0.6, 1.0]


def steps(told, passes, *indices, count=4):
    report = _Steps(told, 0.2, 0.6, "motion", passes)
    for index in indices:
        report(Step(index, count, np.zeros((1, 1))))
    return [fraction for fraction, _ in told]


def test_the_steps_of_one_pass_fill_its_share():
    assert steps(Told(), 1, 0, 1, 2, 3, 4) == pytest.approx([0.2, 0.35, 0.5, 0.65, 0.8])


def test_a_second_pass_goes_on_where_the_first_ended():
    told = steps(Told(), 2, 0, 2, 4, 0, 2, 4)
    assert told == pytest.approx([0.2, 0.35, 0.5, 0.5, 0.65, 0.8])


def test_more_passes_than_were_announced_do_not_go_beyond_the_end():
    assert max(steps(Told(), 2, 0, 4, 0, 4, 0, 4)) == pytest.approx(0.8)
    assert steps(Told(), 1, 4, 0) == pytest.approx([0.8, 0.2])


def test_a_step_that_is_told_twice_is_no_new_pass():
    assert steps(Told(), 2, 1, 1, 1) == pytest.approx([0.275] * 3)


def test_rows_of_several_lengths_are_filled_up():
    rows = [np.array([[1, 2]]), np.array([[3, 4], [5, 6]])]
    assert padded(rows, -1).tolist() == [[[1, 2], [-1, -1]], [[3, 4], [5, 6]]]
    assert padded([np.array([True])], False).dtype == bool


def test_only_drafts_of_one_kind_go_together():
    text = np.zeros(3)
    given, free = SampleSpec(text, 1, 10), SampleSpec(text, 2)
    edit = SampleSpec(text, 3, ids=np.zeros((4, 2)), editable=np.ones(4, bool))
    assert _alike([given, given, free, given]) == [given, given]
    assert _alike([free, free]) == [free, free]
    assert _alike([edit, given]) == [edit]
    assert _alike([free, edit]) == [free]
