"""Curves that the embedded model's motions follow, seen from above."""

import numpy as np
import pytest

from backend.generation.generator import Generator
from backend.kinematic_checks.motion_quality import largest_jump
from backend.motion.blending import heading
from backend.motion.floor_curve import FloorCurve
from backend.motion.footsteps import steps_of
from backend.motion.path_warp import feet_slide
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT
from shared.protocol.messages import Generate, Path

SHARE = np.linspace(0.0, 1.0, 60)
STRAIGHT = np.array([[0.0, 0.0], [0.0, 4.0]])
S_CURVE = np.stack([np.sin(SHARE * 2 * np.pi), 6.0 * SHARE], axis=-1)
LONG = np.stack([2.0 * np.sin(SHARE * 4 * np.pi), 17.0 * SHARE], axis=-1)
CIRCLE = np.stack([np.cos(SHARE * 2 * np.pi), np.sin(SHARE * 2 * np.pi)], axis=-1)
HAIRPIN = np.array([[0.0, 0.0], [0.0, 3.0], [0.5, 3.0], [0.5, 0.0]])


@pytest.fixture(scope="module")
def generator():
    return Generator(edits=EditStore([]), engine="numpy")


@pytest.fixture(scope="module")
def plain_slides(generator):
    """How much feet slide, in metres a second, in three motions without a path."""

    def slide(prompt: str) -> float:
        made = generator.generate(Generate(prompt, 6.0, takes=3, safety="off"))
        return float(np.mean([feet_slide(m.joints, m.contacts) for m in made]))

    return {verb: slide(f"a person {verb} forward") for verb in ("walks", "runs", "sneaks")}


@pytest.fixture(scope="module")
def plain_twists(generator):
    """The 99th percentile of how far feet are turned from the pelvis without a path, in degrees."""

    def twist(prompt: str) -> float:
        made = generator.generate(Generate(prompt, 6.0, takes=3, safety="off"))
        return float(np.mean([np.percentile(foot_twists(m), 99) for m in made]))

    return {verb: twist(f"a person {verb} forward") for verb in ("walks", "runs", "sneaks")}


def along(generator, points, prompt="a person walks", seconds=None, seed=0, **path) -> Motion:
    drawn = Path(tuple((float(x), float(z)) for x, z in points), **path)
    request = Generate(prompt, seconds, seed=seed, safety="off", path=drawn)
    [motion] = generator.generate(request)
    return motion


def foot_twists(motion: Motion) -> np.ndarray:
    """Degrees between pelvis and feet in each frame in which a foot stands."""
    joints = motion.joints
    across = joints[:, JOINT["left_hip"]] - joints[:, JOINT["right_hip"]]
    facing = np.arctan2(-across[:, 2], across[:, 0])
    found = []
    for side, spans in steps_of(motion.contacts).items():
        toe = joints[:, JOINT[f"{side}_foot"]] - joints[:, JOINT[f"{side}_ankle"]]
        apart = np.arctan2(toe[:, 0], toe[:, 2]) - facing
        apart = (apart + np.pi) % (2 * np.pi) - np.pi
        found += [np.abs(apart[span.start : span.end]) for span in spans]
    return np.degrees(np.concatenate(found))


@pytest.mark.parametrize(
    ("verb", "points"),
    [
        ("walks", S_CURVE),
        ("walks", LONG),
        ("walks", HAIRPIN),
        ("runs", S_CURVE),
        ("runs", CIRCLE),
        ("sneaks", S_CURVE),
    ],
    ids=["walk", "walk 20 m", "walk round a hairpin", "run", "run in a circle", "sneak"],
)
def test_the_body_keeps_to_the_curve_and_its_feet_do_not_slide(
    generator, plain_slides, plain_twists, verb, points
):
    motion = along(generator, points, f"a person {verb}")
    way, curve = motion.joints[:, 0, [0, 2]], FloorCurve.of(points)
    assert curve.distances(way).mean() < 0.05
    assert np.linalg.norm(way[0] - points[0]) < 0.1
    assert np.linalg.norm(way[-1] - points[-1]) < 0.1
    off = heading(motion.joints[-1]) - curve.headings[-1]
    assert abs(np.sin(off / 2)) < np.sin(np.radians(15.0) / 2)
    assert feet_slide(motion.joints, motion.contacts) < 1.3 * plain_slides[verb]
    assert np.percentile(foot_twists(motion), 99) < max(50.0, 1.3 * plain_twists[verb])
    assert largest_jump(motion.joints) < 0.5
    assert motion.audit.answer == "none"
    # It stands at both ends, with the arms as they are on the way.
    wrists = motion.joints[:, [JOINT["left_wrist"], JOINT["right_wrist"]], 1]
    above = (wrists - motion.joints[:, :1, 1])[[0, -1]].max()
    assert above < 0.15 + np.median(wrists - motion.joints[:, :1, 1])
    assert np.linalg.norm(np.diff(way[:3], axis=0), axis=-1).max() * 20 < 0.5
    assert np.linalg.norm(np.diff(way[-6:], axis=0), axis=-1).max() * 20 < 0.2


def test_the_number_of_seconds_decides_the_speed(generator):
    slow, fast = (along(generator, S_CURVE, seconds=seconds) for seconds in (11.0, 6.5))
    assert (len(slow), len(fast)) == (220, 130)
    for motion in (slow, fast):
        way = motion.joints[:, 0, [0, 2]]
        assert FloorCurve.of(S_CURVE).distances(way).mean() < 0.05
        assert np.linalg.norm(way[-1] - S_CURVE[-1]) < 0.1


def test_waypoints_are_met_in_time(generator):
    points, times = ((0, 0), (0, 2), (2, 4), (2, 6)), (None, 2.6, 6.0, None)
    motion = along(generator, points, times=times)
    for point, time in zip(points[1:3], times[1:3], strict=True):
        place = motion.joints[round(time * 20), 0, [0, 2]]
        assert np.linalg.norm(place - point) < 0.2  # corners are rounded
    assert np.linalg.norm(motion.joints[-1, 0, [0, 2]] - points[-1]) < 0.1


@pytest.mark.parametrize("degrees", [-30, 90, 180])
def test_the_body_turns_to_what_it_shall_face(generator, plain_slides, degrees):
    angle = np.radians(degrees)
    face = (float(5 * np.sin(angle)), float(4.0 + 5 * np.cos(angle)))
    motion = along(generator, STRAIGHT, face=face)
    off = heading(motion.joints[-1]) - angle
    assert abs(np.sin(off / 2)) < np.sin(np.radians(15.0) / 2)
    assert feet_slide(motion.joints, motion.contacts) < 1.3 * plain_slides["walks"]
    assert np.percentile(foot_twists(motion), 99) < 75.0


def test_who_walks_backward_does_so_along_the_curve(generator):
    motion = along(generator, S_CURVE, "a person walks backward")
    curve, middle = FloorCurve.of(S_CURVE), len(motion) // 2
    place = motion.joints[middle, 0, [0, 2]]
    there = np.linalg.norm(curve.places - place, axis=-1).argmin()
    off = heading(motion.joints[middle]) - curve.headings[there]
    assert np.cos(off) < -0.7


def test_the_same_seed_gives_the_same_motion_and_another_one_another(generator):
    first, again = (along(generator, S_CURVE, seed=4) for _ in range(2))
    assert (first.joints == again.joints).all()
    other = along(generator, S_CURVE, seed=5)
    assert len(other) != len(first) or not (other.joints == first.joints).all()


def test_what_no_body_can_do_is_refused_with_a_remedy(generator):
    with pytest.raises(PlacidError, match=r"does not travel.*a person walks"):
        along(generator, S_CURVE, "a person crosses the arms")
    with pytest.raises(PlacidError, match=r"times as fast as it is; give it more time"):
        along(generator, S_CURVE, seconds=2.0)
