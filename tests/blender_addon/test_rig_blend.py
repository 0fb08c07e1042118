"""Transitions from and to what a rig does already, and loops, on rigs as plain arrays."""

import numpy as np
import pytest
from plain_rigs import make_rig, rest_positions
from sample_motions import walking_motion

from shared.motion import rotations as rot
from shared.motion.contacts import foot_contacts
from shared.motion.kinematics import solve
from shared.motion.loops import heading

Y = np.array([0.0, 1.0, 0.0])
FPS = 20.0


@pytest.fixture
def parts(rig):
    """A rig's binding, and pose and contacts of a walk."""
    mapping = rig.mapping.load_mapping(rig.mapping.PRESETS / "placid.toml").without({"root"})
    binding = rig.binding.bind(make_rig(rig, rest_positions()), mapping)
    motion = walking_motion(60)
    return solve(motion), foot_contacts(motion), binding


def standing(rig, binding, frames: int, turn: float, place: tuple[float, float]):
    """A rig that rests, turned about the vertical, somewhere on the floor."""
    turned = np.tile(rot.from_axis_angle(Y, turn), (frames, len(binding.controls), 1))
    hips = binding.heads[0] * [0.0, 1.0, 0.0] + np.array([place[0], 0.0, place[1]])
    return rig.blend.Stance(turned, np.tile(hips, (frames, 1)))


def hips_of(result) -> np.ndarray:
    """Hips (T, 3) in Blender's axes; the test rig's bones rest along the armature's axes."""
    return result.keys.locations["pelvis"]


def test_motion_takes_over_where_the_rig_stands(rig, parts) -> None:
    pose, contacts, binding = parts
    before = standing(rig, binding, 10, 1.0, (2.0, -1.0))
    result = rig.retarget.retarget(pose, contacts, FPS, binding, before=before)
    hips = hips_of(result)
    # Canonical (left, up, forward) is Blender's (x, z, -y).
    assert np.allclose(hips[0], (2.0, 1.0, 0.0), atol=0.03)
    arm = result.keys.rotations["left_shoulder"]
    assert rot.angle(arm[0]) < 1e-6
    assert rot.angle(arm[12]) > 0.5
    steps = np.degrees(rot.angle(rot.multiply(rot.conjugate(arm[:-1]), arm[1:])))
    assert steps.max() < 20.0
    # It goes on facing the way the rig faced: a radian to the left of the walk without it.
    free = hips_of(rig.retarget.retarget(pose, contacts, FPS, binding))
    ways = [path[40] - path[15] for path in (hips, free)]
    angles = [np.arctan2(way[0], -way[1]) for way in ways]
    start = heading(pose.rotations[0, 0])
    assert np.isclose(angles[0] - angles[1], 1.0 - start, atol=0.02)


def test_motion_gives_way_where_it_ends(rig, parts) -> None:
    pose, contacts, binding = parts
    after = standing(rig, binding, 12, -2.0, (5.0, 5.0))
    result = rig.retarget.retarget(pose, contacts, FPS, binding, after=after)
    free = rig.retarget.retarget(pose, contacts, FPS, binding)
    assert rot.angle(result.keys.rotations["left_elbow"][-1]) < 1e-6
    assert np.allclose(hips_of(result)[-1, :2], hips_of(free)[-1, :2], atol=0.03)
    facing = [heading(r.keys.rotations["pelvis"][-1]) for r in (result, free)]
    assert np.isfinite(facing).all()
    same = [r.keys.rotations["left_elbow"][:45] for r in (result, free)]
    assert np.allclose(same[0], same[1], atol=1e-6)


def test_blend_longer_than_the_motion_is_cut(rig, parts) -> None:
    pose, contacts, binding = parts
    before = standing(rig, binding, 100, 0.0, (0.0, 0.0))
    result = rig.retarget.retarget(pose, contacts, FPS, binding, before=before)
    assert len(hips_of(result)) == 60
    assert all(np.isfinite(turns).all() for turns in result.keys.rotations.values())
    assert result.led.all()


def test_in_place_stays_where_the_rig_stood(rig, parts) -> None:
    pose, contacts, binding = parts
    before = standing(rig, binding, 10, 0.0, (2.0, 0.0))
    result = rig.retarget.retarget(
        pose, contacts, FPS, binding, root_motion="in_place", before=before
    )
    assert np.allclose(hips_of(result)[:, 0], 2.0, atol=0.02)


def test_root_travel_without_a_root_bone_is_refused(rig, parts) -> None:
    pose, contacts, binding = parts
    with pytest.raises(rig.skeleton_rig.RigError, match="no root bone"):
        rig.retarget.retarget(pose, contacts, FPS, binding, root_motion="root")


def test_cycle_ends_as_it_starts_from_the_origin(rig, parts) -> None:
    pose, contacts, binding = parts
    keys = rig.retarget.retarget_cycle(pose, contacts, FPS, binding).keys
    assert keys.cyclic
    for bone, values in keys.rotations.items():
        gap = rot.multiply(rot.conjugate(values[0]), values[-1])
        assert np.degrees(rot.angle(gap)) < 0.5, bone
    hips = keys.locations["pelvis"]
    assert np.isclose(hips[0, 2], hips[-1, 2], atol=1e-3)
    assert np.linalg.norm(hips[0, :2]) < 0.8 < np.linalg.norm(hips[-1, :2] - hips[0, :2])
