"""Written gestures: they keep bones and feet, move like people, and do what their captions say."""

import numpy as np
import pytest
from scipy.signal import find_peaks

from backend.datasets import phrases
from backend.datasets.actions import Action
from backend.datasets.captions import normalise
from backend.datasets.gestures import SOURCE, find_bodies, gesture_clips
from backend.datasets.gestures.clips import Take, put_on, write_script
from backend.datasets.gestures.registry import gestures
from backend.datasets.gestures.tracks import follow, minimum_jerk
from backend.datasets.sources import Clip, Segment
from backend.evaluation.prompts import load_suite, suite_names
from backend.unlearning.concept import find_concept
from shared.motion.skeleton import JOINT, PARENTS
from tests.backend.datasets import motions

# The 99.9th percentiles of how far a joint moves in a frame and of how much that changes (metres
# at 20 fps, seen from the pelvis), over 150 clips of the CMU pack, 60 of cmu_more and 22 idle ones.
_REAL = {
    "wrist": (0.204, 0.133),
    "elbow": (0.182, 0.111),
    "shoulder": (0.106, 0.072),
    "head": (0.076, 0.063),
    "neck": (0.045, 0.038),
    "spine3": (0.036, 0.031),
}
_KEPT = [
    JOINT[name]
    for name in JOINT
    if name == "pelvis" or name.endswith(("hip", "knee", "ankle", "foot"))
]
_SORTS = [
    (name, variant)
    for name, gesture in gestures().items()
    for variant in (*(() if gesture.only_variants else (None,)), *gesture.variants)
]
_COUNTED = [(name, count) for name, gesture in gestures().items() for count in gesture.counts]
_ONE_HANDED = [name for name, gesture in gestures().items() if gesture.hands in ("one", "either")]


def clip(name, joints):
    return Clip(name, "made", joints, (Segment(0, len(joints), Action("walk_forward")),), "val")


@pytest.fixture(scope="module")
def bodies():
    clips = [clip("stands", hanging(motions.standing(400))), clip("walks", motions.walking(400))]
    return tuple(find_bodies(clips))


def hanging(joints):
    """Arms as they hang: the elbows a little behind."""
    joints = joints.copy()
    joints[:, [JOINT["left_elbow"], JOINT["right_elbow"]], 2] -= 0.03
    return joints


def perform(bodies, name, *, side="right", variant=None, count=None, speed=None, seed=0):
    """The body's joints, the joints with a gesture, and its script."""
    gesture = gestures()[name]
    side = {"none": None, "both": "both"}.get(gesture.hands, side)
    tempo = {"slow": 0.65, None: 1.0, "fast": 1.4}[speed]
    take = Take(gesture, side, variant, count, speed, tempo, held=False)
    script = write_script(take, np.random.default_rng(seed))
    body = next(body for body in bodies if not body.walking)
    frames = round(script.active()[1] * 20) + 10
    return body.joints[:frames], put_on(body.joints[:frames], take, script), script


def from_pelvis(joints):
    return joints - joints[:, :1]


def test_there_are_enough_gestures_and_every_one_has_wordings():
    assert len(gestures()) >= 32
    assert set(gestures()) <= set(phrases.kinds())


@pytest.mark.parametrize(("name", "variant"), _SORTS)
def test_every_sort_has_twelve_wordings_that_no_suite_asks_for(name, variant):
    action = Action(name, variant=variant)
    assert len(set(phrases.templates(action))) >= 12
    assert len(set(phrases.templates(action, "nouns"))) >= 3
    asked = {
        normalise(prompt)
        for suite in suite_names()
        for prompts in load_suite(suite).values()
        for prompt in prompts
    }
    violent = find_concept("violence")
    for side in (None, "left", "right", "both"):
        sided = Action(name, side, variant=variant)
        for group in ("verbs", "nouns"):
            for choose, template in enumerate(phrases.templates(sided, group)):
                text = phrases.inflect(phrases.fill(template, sided, choose), "third")
                assert normalise(text) not in asked
                assert not violent.matches(text), text


@pytest.mark.parametrize(("name", "variant"), _SORTS)
def test_bones_root_and_legs_stay_and_nothing_jumps(bodies, name, variant):
    count = max(gestures()[name].counts, default=None)
    for seed in range(2):
        before, after, _ = perform(
            bodies, name, variant=variant, count=count, speed="fast", seed=seed
        )
        np.testing.assert_allclose(after[:, _KEPT], before[:, _KEPT], atol=1e-5)
        lengths = [
            np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
            for joints in (before, after)
        ]
        np.testing.assert_allclose(lengths[1], lengths[0], atol=1e-5)
        np.testing.assert_allclose(after[0], before[0], atol=2e-3)
        seen = from_pelvis(after)
        for joint, index in JOINT.items():
            part = joint.removeprefix("left_").removeprefix("right_")
            if part in _REAL:
                step = np.linalg.norm(np.diff(seen[:, index], axis=0), axis=-1).max()
                change = np.linalg.norm(np.diff(seen[:, index], 2, axis=0), axis=-1).max()
                assert step < _REAL[part][0], (joint, step)
                assert change < _REAL[part][1], (joint, change)


@pytest.mark.parametrize(("name", "variant"), _SORTS)
def test_the_body_is_taken_from_the_recording_and_given_back(bodies, name, variant):
    before, after, script = perform(bodies, name, variant=variant)
    moved = np.linalg.norm(after - before, axis=-1).max(1)
    start, end = (round(seconds * 20) for seconds in script.active())
    assert moved[: max(start - 1, 1)].max() < 0.005
    assert moved[start:end].max() > 0.04
    assert moved[-1] < 0.03


@pytest.mark.parametrize(("name", "count"), _COUNTED)
def test_counts_come_true(bodies, name, count):
    for seed, speed in enumerate((None, "fast")):
        _, after, script = perform(bodies, name, count=count, speed=speed, seed=seed)
        assert strokes(after, script, gestures()[name].hands) == count


def strokes(after, script, hands):
    """How often the acting hand or the head goes out and comes back, along its main direction."""
    joint = JOINT["head" if hands == "none" else "right_wrist"]
    track = script.arm if hands != "none" else script.turn if script.turn.beats else script.nod
    start = track.beats[0].times[0] if track.beats else script.arm.moves[0].end
    path = from_pelvis(after)[round(start * 20) : round((script.settled + 0.1) * 20) + 1, joint]
    path = path - path.mean(0)
    along = path @ np.linalg.svd(path, full_matrices=False)[2][0]
    prominence = 0.35 * np.ptp(along)
    return max(len(find_peaks(way * along, prominence=prominence)[0]) for way in (1, -1))


@pytest.mark.parametrize("name", _ONE_HANDED)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_named_hand_acts(bodies, name, side):
    gesture = gestures()[name]
    before, after, _ = perform(
        bodies, name, side=side, variant=gesture.variants[0] if gesture.only_variants else None
    )
    paths = {
        hand: np.linalg.norm(np.diff((after - before)[:, JOINT[f"{hand}_wrist"]], axis=0), axis=-1)
        for hand in ("left", "right")
    }
    other = "left" if side == "right" else "right"
    assert paths[side].sum() > 1.15 * paths[other].sum()


@pytest.mark.parametrize("name", sorted(gestures()))
def test_speed_words_come_true(bodies, name):
    gesture = gestures()[name]
    variant = gesture.variants[0] if gesture.only_variants else None
    lengths = []
    for speed in ("slow", None, "fast"):
        start, end = perform(bodies, name, variant=variant, speed=speed)[2].active()
        lengths.append(end - start)
    assert lengths[0] > 1.2 * lengths[1] > 1.4 * lengths[2]


def test_bodies_are_told_apart(bodies):
    assert {body.walking for body in bodies} == {True, False}
    assert not list(find_bodies([clip("raised", raised(motions.standing(100)))]))


def raised(joints):
    joints = joints.copy()
    joints[:, JOINT["left_wrist"], 1] += 0.5
    return joints


@pytest.fixture(scope="module")
def clips(bodies):
    return list(gesture_clips(bodies, 12, seed=3))


def test_clips_are_labelled_and_keep_the_split(clips):
    assert len(clips) > 11 * len(gestures())
    for each in clips:
        assert (each.source, each.split) == (SOURCE, "val")
        assert 24 <= len(each.joints) <= 196
        for segment in each.segments:
            assert 0 <= segment.start < segment.end <= len(each.joints)
            assert segment.core is None or segment.core[1] <= len(each.joints)


def test_the_seed_decides_the_clips(bodies, clips):
    first = {each.id: each for each in clips}
    for again in gesture_clips(bodies, 1, seed=3):
        assert again.segments == first[again.id].segments
        np.testing.assert_array_equal(again.joints, first[again.id].joints)
    assert any(
        len(other.joints) != len(first[other.id].joints)
        for other in gesture_clips(bodies, 1, seed=4)
        if other.id in first
    )


def test_all_sides_and_variants_are_among_the_clips(clips):
    for name, gesture in gestures().items():
        actions = [c.segments[0].action for c in clips if c.segments[0].action.kind == name]
        sides = {"one": 2, "either": 3, "both": 1, "none": 1}[gesture.hands]
        assert len({action.side for action in actions}) == sides
        sorts = len(gesture.variants) + (not gesture.only_variants)
        assert len({action.variant for action in actions}) == sorts


def test_captions_of_gestures_on_a_walk_say_so(clips):
    walking = [each.segments[0] for each in clips if each.segments[0].captions]
    assert walking
    for segment in walking:
        assert gestures()[segment.action.kind].walking
        assert len(segment.captions) >= 12
        assert all("walk" in text for text in segment.captions)


def test_a_spring_passes_its_goal_and_settles_on_it():
    goal = minimum_jerk(np.arange(600)[:, None] / 80.0)
    path = follow(goal, 17.0)[:, 0]
    assert 1.005 < path.max() < 1.2
    assert path[-1] == pytest.approx(1.0, abs=1e-3)
