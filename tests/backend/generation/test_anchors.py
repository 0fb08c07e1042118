"""Poses that are kept while everything between them is made: met exactly, and smoothly."""

from itertools import pairwise

import numpy as np
import pytest

from backend.generation.generator import Generator
from backend.kinematic_checks.motion_quality import largest_jump
from backend.motion.blending import Placement, heading, measure_seam
from backend.motion.path_warp import feet_slide
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError
from shared.motion.contacts import foot_contacts
from shared.motion.motion import Motion
from shared.protocol.messages import EditMotion, Generate


@pytest.fixture(scope="module")
def generator():
    return Generator(edits=EditStore([]), engine="numpy")


@pytest.fixture(scope="module")
def made(generator):
    """Motions to take poses from."""

    def one(prompt, seconds=5.0):
        return next(iter(generator.generate(Generate(prompt, seconds, safety="off"))))

    return {name: one(f"a person {name}") for name in ("walks forward", "waves", "squats")}


def put(motion, frame, x=0.0, z=0.0, turn=0.0):
    """A pose (22, 3) of a motion, standing at x and z and facing `turn` radians."""
    pose = motion.joints[frame]
    return Placement(turn - heading(pose), pose[0] * [1, 0, 1], np.array([x, 0.0, z]))(pose)


def clip(frames, poses, fps=20.0, contacts=False) -> Motion:
    joints = np.repeat(next(iter(poses.values()))[None], frames, axis=0)
    for frame, pose in poses.items():
        joints[frame] = pose
    return Motion(joints, "Y", fps, np.ones((frames, 4), bool) if contacts else None)


def between(generator, motion, kept, prompt, seed=0) -> Motion:
    edges = [-1, *sorted(kept), len(motion)]
    gaps = [(a + 1, b) for a, b in pairwise(edges) if b - a > 1]
    request = EditMotion(prompt, tuple(gaps), anchored=True, safety="off", seed=seed)
    [result] = generator.generate(request, motion=motion)
    return result


def assert_met(result, motion, kept):
    assert len(result) == len(motion)
    assert (result.joints[kept] == motion.joints[kept]).all()
    seams = [
        measure_seam(result.joints, seam)
        for frame in kept
        for seam in (frame, frame + 1)
        if 0 < seam < len(motion)
    ]
    # As fast as the motion's own 99th percentile, and no change of speed far beyond it.
    assert max(seam.jump_ratio for seam in seams) < 1.3
    assert max(seam.change_ratio for seam in seams) < 5.0
    assert largest_jump(result.joints) * result.fps < 10.0


def test_a_walk_meets_single_frames_of_a_walk(generator, made):
    walk = made["walks forward"]
    kept = [0, 33, 70, 99]
    result = between(generator, walk, kept, "a person walks forward", seed=3)
    assert_met(result, walk, kept)
    assert not np.allclose(result.joints[50], walk.joints[50], atol=0.02)
    assert feet_slide(result.joints, result.contacts) < 1.3 * feet_slide(walk.joints, walk.contacts)


def test_hand_made_poses_at_places_and_turns_are_met_at_another_frame_rate(generator, made):
    walk, wave = made["walks forward"], made["waves"]
    poses = {
        0: put(walk, 0),
        60: put(wave, 40, 0.3, 2.2, 0.7),
        110: put(made["squats"], 40, 0.3, 2.2, 1.2),
        150: put(wave, 60, 0.5, 2.4, 1.5),
    }
    motion = clip(151, poses, 24.0)
    result = between(generator, motion, list(poses), "a person walks forward")
    assert_met(result, motion, list(poses))
    assert result.fps == 24.0
    # Feet stand still where they are seen to stand.
    standing = foot_contacts(result)
    assert standing.mean() > 0.2


def test_spans_are_kept_whole_and_left_at_their_own_speed(generator, made):
    walk = made["walks forward"]
    kept = [*range(20), *range(60, 100)]
    result = between(generator, walk, kept, "a person walks forward", seed=1)
    assert_met(result, walk, kept)


def test_a_motion_longer_than_the_networks_see_is_met_everywhere(generator, made):
    walk, wave = made["walks forward"], made["waves"]
    kept = [0, 140, 270, 359]
    poses = {
        frame: put(source, 40, x, z, turn)
        for frame, source, x, z, turn in (
            (kept[0], walk, 0, 0, 0),
            (kept[1], wave, 0, 4, 0.2),
            (kept[2], walk, 2, 7, 1.0),
            (kept[3], wave, 4, 8, 1.5),
        )
    }
    motion = clip(360, poses)
    assert_met(between(generator, motion, kept, "a person walks forward"), motion, kept)


def test_only_one_pose_in_the_middle_is_kept(generator, made):
    motion = clip(80, {40: put(made["waves"], 40)})
    assert_met(between(generator, motion, [40], "a person waves"), motion, [40])


def test_poses_that_nobody_reaches_in_time_are_refused(generator, made):
    walk = made["walks forward"]
    motion = clip(30, {0: put(walk, 0), 20: put(walk, 0, 0, 15)})
    with pytest.raises(PlacidError, match=r"frame 0 to that in frame 20 .* 15 m/s; give it more"):
        between(generator, motion, [0, 20], "a person runs")
    request = EditMotion("a person runs", ((0, 30),), anchored=True, safety="off")
    with pytest.raises(PlacidError, match="no frame is kept; leave out"):
        list(generator.generate(request, motion=motion))
