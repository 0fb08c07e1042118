"""The audit guard: what strikes is drawn anew, at most twice, and what was done is told."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from backend.engines.protocol import Array
from backend.generation.audit_guard import AuditGuard, Watched
from backend.generation.token_sampler import ReportProgress, SampleSpec
from backend.kinematic_checks.detect import STRIKE_KINDS
from backend.motion.lengths import MAX_TOKENS
from tests.backend.datasets.motions import kicking, standing

TEXT, TARGET = np.zeros(4), np.ones(4)
KICK, REST = 7, 1


def decode(ids: Array) -> tuple[np.ndarray, np.ndarray]:
    """A kick in every token that says so, apart from each other."""
    frames = 4 * len(ids)
    peaks: list[int] = []
    for token in np.flatnonzero(ids[:, 0] == KICK).tolist():
        peak = 4 * token + 2
        if 6 <= peak < frames - 6 and (not peaks or peak - peaks[-1] >= 12):
            peaks.append(peak)
    joints = kicking(frames, peaks, lift=130) if peaks else standing(frames)
    return joints, np.zeros((frames, 4), bool)


class Sampler:
    """Fills what is editable with one token, another one under the target sentence."""

    def __init__(self, again: int, target: int) -> None:
        self.tokens = {"again": again, "target": target}
        self.specs: list[SampleSpec] = []

    def sample(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> Iterator[Array]:
        for spec in specs:
            self.specs.append(spec)
            assert spec.ids is not None
            assert spec.editable is not None
            assert len(spec.ids) <= MAX_TOKENS
            way = "target" if np.array_equal(spec.text, TARGET) else "again"
            ids = spec.ids.copy()
            ids[spec.editable] = self.tokens[way]
            yield ids


def guarded(
    sampler: Sampler, kicks: list[int], count: int = 30, **about: object
) -> tuple[Array, list]:
    seen: list[Array] = []
    ids = np.full((count, 6), REST)
    ids[kicks] = KICK

    def noting(row: Array) -> tuple[np.ndarray, np.ndarray]:
        seen.append(row)
        return decode(row)

    guard = AuditGuard(sampler, STRIKE_KINDS, TARGET, "a person stands")
    watched = Watched(ids, TEXT, 5, "a person kicks", **about)  # type: ignore[arg-type]
    (joints, _), redraws = guard.shown(watched, noting, lambda fraction, stage: None)
    [kept] = [row for row in seen if np.array_equal(decode(row)[0], joints)][:1]
    return kept, redraws


def test_a_motion_without_a_strike_is_left_alone():
    sampler = Sampler(REST, REST)
    ids, redraws = guarded(sampler, [])
    assert not sampler.specs
    assert not redraws
    assert (ids == REST).all()


def test_a_strike_is_drawn_again_once_where_that_is_enough():
    sampler = Sampler(3, 4)
    ids, [redraw] = guarded(sampler, [15])
    assert [spec.prompt for spec in sampler.specs] == ["a person kicks"]
    assert redraw.passed
    assert redraw.start <= 62 < redraw.end
    assert "kick" in redraw.sentence
    assert (ids[:8] == REST).all()
    assert (ids[24:] == REST).all()
    assert not (ids == KICK).any()


def test_what_strikes_again_is_drawn_under_the_target_sentence():
    sampler = Sampler(KICK, 4)
    ids, [redraw] = guarded(sampler, [15])
    assert [spec.prompt for spec in sampler.specs] == ["a person kicks", "a person stands"]
    assert redraw.passed
    assert not (ids == KICK).any()


def test_after_two_draws_it_says_that_something_is_left():
    sampler = Sampler(KICK, KICK)
    _, redraws = guarded(sampler, [15])
    assert len(sampler.specs) == 2
    assert not any(redraw.passed for redraw in redraws)
    assert "still" in redraws[0].sentence


def test_only_new_tokens_are_looked_at_and_drawn():
    sampler = Sampler(REST, REST)
    editable = np.zeros(30, bool)
    editable[:5] = True
    _, redraws = guarded(sampler, [15], editable=editable)
    assert not redraws
    editable[14:17] = True
    ids, redraws = guarded(sampler, [9, 15], editable=editable)
    assert redraws
    assert (ids[[9], 0] == KICK).all()
    assert (ids[14:17] == REST).all()
    assert all(set(np.flatnonzero(s.editable)) <= {14, 15, 16} for s in sampler.specs)


@pytest.mark.parametrize("kicks", [[3, 60, 100], [50]])
def test_long_motions_are_drawn_in_windows(kicks: list[int]):
    sampler = Sampler(REST, REST)
    ids, redraws = guarded(sampler, kicks, count=110)
    assert not (ids == KICK).any()
    assert len(redraws) == len(kicks)


def test_the_draws_of_a_motion_depend_on_its_seed_alone():
    first, second = Sampler(KICK, KICK), Sampler(KICK, KICK)
    guarded(first, [15])
    guarded(second, [15])
    assert [spec.seed for spec in first.specs] == [spec.seed for spec in second.specs]
    assert len({spec.seed for spec in first.specs}) == 2
