"""Windows for the trained judge: who is in which fold, and what softening leaves."""

import numpy as np

from backend.training.judge_windows import JudgeWindow, folds, soften, vary
from shared.motion.skeleton import JOINT
from tests.backend.datasets.motions import kicking, standing


def window(kind: str, person: str, take: str, is_strike: bool | None = False) -> JudgeWindow:
    return JudgeWindow(standing(30), kind, is_strike, take, person, take)


def test_a_person_is_in_one_fold_where_several_people_do_the_same():
    windows = [
        window("kick", person, f"{person} {number}", True)
        for person in ("ann", "ben", "cid", "dan")
        for number in range(5)
    ]
    fold = folds(windows, 3)
    for person in ("ann", "ben", "cid", "dan"):
        own = {f for f, w in zip(fold, windows, strict=True) if w.person == person}
        assert len(own) == 1
    assert set(fold) == {0, 1, 2}


def test_a_kind_of_one_person_is_parted_by_take():
    windows = [window("sword", "ann", f"take {n}", True) for n in range(6) for _ in range(3)]
    fold = folds(windows, 3)
    assert set(fold) == {0, 1, 2}
    for number in range(6):
        assert len(set(fold[3 * number : 3 * number + 3])) == 1


def test_what_shares_a_take_shares_a_fold():
    windows = [window("kick", p, f"{p} kicks", True) for p in ("ann", "ben", "cid")]
    windows += [window("walk", "ann", "ann kicks"), window("walk", "dan", "dan walks")]
    fold = folds(windows, 3)
    assert fold[0] == fold[3]


def test_softening_slows_and_lowers():
    joints = kicking(80, [40], "right", lift=90)
    soft = soften(joints, 0.7, 0.5)
    assert abs(len(soft) - 2 * len(joints)) <= 1
    ankle = JOINT["right_ankle"]
    assert soft[:, ankle, 1].max() < joints[:, ankle, 1].max() - 0.1
    np.testing.assert_allclose(soft[0, 0], joints[0, 0], atol=1e-6)


def test_variants_differ_and_depend_on_the_seed_alone():
    joints = kicking(80, [40])
    first, second = (vary(joints, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(first, second[: len(first)])
    np.testing.assert_array_equal(first, vary(joints, np.random.default_rng(1)))
