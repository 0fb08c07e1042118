"""Retargeting without Blender: rigs as plain arrays, in any rest pose, roll, axes and unit."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from plain_rigs import make_rig, named_rig, rest_positions
from sample_motions import walking_motion

from shared.motion import rotations as rot
from shared.motion.contacts import foot_contacts
from shared.motion.kinematics import forward_kinematics, resample_contacts, solve
from shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS
from shared.motion.two_bone_ik import reach, stretch_drop

X, Y, Z = np.eye(3)
LIMBS = [f"{s}_{j}" for s in ("left", "right") for j in ("knee", "ankle", "elbow", "wrist")]


def pose_bones(armature, keys) -> np.ndarray:
    """Heads (T, bones, 3) as Blender would pose them: parents first, basis after rest."""
    frames = len(next(iter(keys.rotations.values())))
    posed = np.zeros((frames, len(armature.bones), 4, 4))
    for i, name in enumerate(armature.bones):
        basis = np.tile(np.eye(4), (frames, 1, 1))
        if name in keys.rotations:
            basis[:, :3, :3] = rot.to_matrix(keys.rotations[name])
        if name in keys.locations:
            basis[:, :3, 3] = keys.locations[name]
        parent = armature.parents[i]
        if parent < 0:
            posed[:, i] = armature.rest[i] @ basis
        else:
            local = np.linalg.inv(armature.rest[parent]) @ armature.rest[i]
            posed[:, i] = posed[:, parent] @ local @ basis
    return posed[..., :3, 3]


def direction_errors(heads: np.ndarray, motion) -> np.ndarray:
    """Degrees between limb directions of a posed rig (Z up) and the motion."""
    ours = motion.with_up("Z").joints
    errors = []
    for name in LIMBS:
        child, parent = JOINT[name], PARENTS[JOINT[name]]
        a = rot.normalise(heads[:, child] - heads[:, parent])
        b = rot.normalise(ours[:, child] - ours[:, parent])
        errors.append(np.degrees(np.arccos(np.clip((a * b).sum(-1), -1.0, 1.0))))
    return np.array(errors)


def preset(rig: SimpleNamespace, name: str):
    return rig.mapping.load_mapping(rig.mapping.PRESETS / f"{name}.toml").without({"root"})


def play(rig: SimpleNamespace, armature, motion, **options):
    binding = rig.binding.bind(armature, preset(rig, "placid"))
    contacts = foot_contacts(motion)
    return rig.retarget.retarget(solve(motion), contacts, motion.fps, binding, **options)


@pytest.mark.parametrize(("arms", "elbow"), [(0.0, 0.0), (0.8, 0.0), (0.8, 0.3), (1.4, 0.1)])
@pytest.mark.parametrize("seed", [None, 1])
def test_limbs_point_as_in_the_motion_whatever_the_rest_pose(rig, arms, elbow, seed) -> None:
    armature = make_rig(rig, rest_positions(arms, elbow), seed)
    motion = walking_motion()
    result = play(rig, armature, motion, pin_strength=0.0)
    assert direction_errors(pose_bones(armature, result.keys), motion).max() < 0.5
    [(start, end), *_] = result.limbs
    ours = motion.joints[:, JOINT[end]] - motion.joints[:, JOINT[start]]
    assert np.allclose(result.limbs[start, end], rot.normalise(ours), atol=1e-3)


def test_a_pose_twists_arms_no_more_than_t_pose(rig) -> None:
    """The palm, which the forearm carries, faces the same way from either rest pose."""
    palms = []
    for arms in (0.0, 0.8):
        armature = make_rig(rig, rest_positions(arms))
        keys = play(rig, armature, walking_motion()).keys
        binding = rig.binding.bind(armature, preset(rig, "placid"))
        # In the A-pose the palm has turned inwards with the arm.
        palm = rot.rotate(rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), arms), -Z)
        bones = ["pelvis", "spine1", "spine2", "spine3"]
        bones += [f"left_{j}" for j in ("collar", "shoulder", "elbow")]
        turned = rot.IDENTITY
        for bone in bones:
            turned = rot.multiply(turned, keys.rotations[bone])
        assert binding.at["left_elbow"] > 0
        palms.append(rot.rotate(turned, palm))
    angles = np.degrees(np.arccos(np.clip((palms[0] * palms[1]).sum(-1), -1.0, 1.0)))
    assert angles.max() < 5.0


def test_centimetres_and_y_up_give_the_same_motion(rig) -> None:
    """As imported characters come: Y up, in centimetres, the object turned and scaled."""
    joints = rest_positions()
    flat = make_rig(rig, joints)
    turned = np.stack([joints[:, 0], joints[:, 2], -joints[:, 1]], axis=-1) * 100.0
    other = make_rig(rig, turned, up=Y)
    motion = walking_motion()
    heads = pose_bones(flat, play(rig, flat, motion).keys)
    far = pose_bones(other, play(rig, other, motion).keys) / 100.0
    assert np.allclose(
        np.stack([far[..., 0], -far[..., 2], far[..., 1]], axis=-1), heads, atol=1e-4
    )


def test_a_rig_that_faces_elsewhere_walks_the_way_it_faces(rig) -> None:
    joints = rest_positions() @ np.diag([-1.0, -1.0, 1.0])
    armature = make_rig(rig, joints)
    heads = pose_bones(armature, play(rig, armature, walking_motion()).keys)
    pelvis = heads[:, 0]
    assert pelvis[-1, 1] - pelvis[0, 1] > 1.0


def test_stride_and_height_follow_the_leg(rig) -> None:
    small = make_rig(rig, 0.5 * rest_positions())
    motion = walking_motion()
    heads = pose_bones(small, play(rig, small, motion).keys)
    travel = np.linalg.norm(heads[-1, 0, :2] - heads[0, 0, :2])
    ours = np.linalg.norm((motion.joints[-1, 0] - motion.joints[0, 0])[[0, 2]])
    assert np.isclose(travel, 0.5 * ours, rtol=0.02)


def test_feet_stand_still_and_above_the_floor(rig) -> None:
    """Other proportions would make feet slide; pinned, they do not."""
    joints = rest_positions()
    for side in ("left", "right"):
        shorter = 0.06 * Z
        joints[[JOINT[f"{side}_{j}"] for j in ("ankle", "foot")]] += shorter
    joints[:, 2] -= joints[:, 2].min()
    armature = make_rig(rig, joints)
    pose = solve(walking_motion())
    walk = forward_kinematics(pose)
    walk[:, :, 2] -= np.linspace(0.0, 0.4, len(walk))[:, None]
    motion = type(walking_motion())(walk.astype(np.float32))
    contacts = foot_contacts(motion)
    assert contacts.any()
    loose, pinned = (play(rig, armature, motion, pin_strength=s) for s in (0.0, 1.0))
    assert pinned.skate < 0.6 * loose.skate
    heads = pose_bones(armature, pinned.keys)
    for joint in ("left_ankle", "right_ankle"):
        assert heads[:, JOINT[joint], 2].min() > joints[JOINT[joint], 2] - 1e-3


def test_standing_toes_stay_on_the_floor_though_the_heel_rises(rig) -> None:
    """The motion lets a standing foot drift up by 5 cm; only the heel may rise."""
    points = np.zeros((40, 2, 3))
    points[:, 0, 1] = np.linspace(0.08, 0.2, 40)
    points[:, 1, 1] = np.linspace(0.02, 0.07, 40)
    contacts = np.ones((40, 2), dtype=bool)
    move, firm = rig.feet.pin_correction(points, contacts, np.array([0.08, 0.02]), 20.0, 0.9)
    assert np.allclose(points[:, 1, 1] + move[:, 1], 0.02)
    assert points[-1, 0, 1] + move[-1, 1] > 0.14
    assert np.allclose(firm, 1.0)


def test_a_foot_that_slides_into_its_contact_comes_to_rest_by_and_by(rig) -> None:
    """It arrives with 1.2 m/s and needs 0.2 s to stop; the contact begins at once."""
    fps, first = 30.0, 30
    speed = 1.2 * np.clip((first + 6 - np.arange(90)) / 6.0, 0.0, 1.0)
    points = np.zeros((90, 2, 3))
    points[..., 2] = np.cumsum(speed / fps)[:, None]
    contacts = np.tile(np.arange(90)[:, None] >= first, (1, 2))
    move, firm = rig.feet.pin_correction(points, contacts, np.zeros(2), fps, 0.85)
    foot = points[:, 0, 2] + move[:, 2]
    brake = np.abs(np.diff(foot, n=2)) * fps
    # Metres a second lost in one frame; the motion itself loses 0.2, a foot grabbed at once 1.4.
    assert brake.max() < 0.7
    assert np.abs(np.diff(foot[first + 10 :])).max() * fps < 0.01
    assert np.allclose(firm[first:], 1.0)


def test_a_standing_foot_touches_the_floor_with_what_is_lowest(rig) -> None:
    """Toes that sank stop to count as standing while the foot comes up to the floor by itself."""
    points = np.zeros((60, 2, 3))
    points[:, :, 1] = np.interp(np.arange(60), [20, 30], [-0.035, 0.0])[:, None]
    points[:, 0, 1] += np.interp(np.arange(60), [30, 50], [0.08, 0.11])
    contacts = np.ones((60, 2), dtype=bool)
    contacts[22:40, 1] = False
    rest = np.array([0.08, 0.0])
    move, _ = rig.feet.pin_correction(points, contacts, rest, 30.0, 0.85)
    lowest = (points[..., 1] + move[:, 1:2] - rest).min(axis=1)
    assert np.abs(lowest).max() < 1e-3


def test_hips_sink_when_pinning_would_straighten_a_leg() -> None:
    hip, ankle = np.tile([0.0, 0.82, 0.0], (40, 1)), np.zeros((40, 3))
    move = np.zeros((40, 3))
    move[15:25, 2] = 0.15
    drop = stretch_drop(hip, ankle, move, 0.84, 30.0)
    length = np.linalg.norm(hip - ankle - move - drop[:, None] * [0.0, 1.0, 0.0], axis=-1)
    assert length.max() < 0.82 + 1e-6
    assert np.abs(np.diff(drop)).max() < 0.005
    assert drop[[0, -1]].max() == 0.0


def test_an_overstretched_knee_bends_forwards_when_its_foot_comes_nearer() -> None:
    hip, ankle = np.array([[0.0, 0.9, 0.0]]), np.zeros((1, 3))
    knee = np.array([[0.0, 0.45, -0.035]])
    goal = ankle + np.array([0.0, 0.1, 0.0])
    thigh, _ = reach(hip, knee, ankle, goal, Z[None])
    assert (hip + rot.rotate(thigh, knee - hip))[0, 2] > 0.1


def test_smooth_corrections_solve_their_equations(rig) -> None:
    """Against the plain least squares of the same wishes."""
    random = np.random.default_rng(1)
    for count in (1, 2, 3, 25):
        values, steps = random.normal(size=(count, 2)), random.normal(size=(count - 1, 2))
        sure, held = random.uniform(0, 50, count), random.uniform(0, 50, count - 1)
        found = rig.smooth_fit.fit_smoothly(values, sure, steps, held, 2.0)
        one = np.eye(count)
        rows = [np.sqrt(sure)[:, None] * one, np.sqrt(held)[:, None] * np.diff(one, axis=0), one]
        rows.append(4.0 * np.diff(one, n=2, axis=0))
        wished = [np.sqrt(sure)[:, None] * values, np.sqrt(held)[:, None] * steps]
        wished.append(np.zeros((count + max(count - 2, 0), 2)))
        expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wished), rcond=None)[0]
        assert np.allclose(found, expected, atol=1e-8)


def test_spines_of_other_lengths_carry_the_chest_alike(rig) -> None:
    """One bone where we have three; the chest still turns as far."""
    joints = rest_positions()
    armature = make_rig(rig, joints)
    motion = walking_motion()
    one = preset(rig, "placid").without({"spine1", "spine2"})
    binding = rig.binding.bind(armature, one)
    pose = solve(motion)
    keys = rig.retarget.retarget(pose, foot_contacts(motion), 20.0, binding).keys
    assert "spine1" not in keys.rotations
    assert direction_errors(pose_bones(armature, keys), motion)[[2, 3, 6, 7]].max() < 0.5


def test_only_mapped_bones_get_keys(rig) -> None:
    armature = make_rig(rig, rest_positions())
    mapping = preset(rig, "placid").without({"head", "left_wrist", "neck"})
    binding = rig.binding.bind(armature, mapping)
    motion = walking_motion()
    keys = rig.retarget.retarget(solve(motion), foot_contacts(motion), 20.0, binding).keys
    assert set(keys.rotations) == set(JOINT_NAMES) - {"head", "left_wrist", "neck"}
    assert set(keys.locations) == {"pelvis"}


@pytest.mark.parametrize("way", ["hips", "in_place"])
def test_travel_stays_or_goes(rig, way) -> None:
    armature = make_rig(rig, rest_positions())
    keys = play(rig, armature, walking_motion(), root_motion=way).keys
    travel = np.ptp(pose_bones(armature, keys)[:, 0, :2], axis=0).max()
    assert (travel > 1.0) == (way == "hips")


def test_root_bone_carries_the_travel(rig) -> None:
    joints = np.vstack([rest_positions(), np.zeros(3)])
    names = ("root", *JOINT_NAMES)
    rest = np.tile(np.eye(4), (23, 1, 1))
    rest[:, :3, 3] = np.roll(joints, 1, axis=0)
    armature = rig.skeleton_rig.Rig(
        name="Test",
        bones=names,
        parents=np.array([-1, *(p + 1 for p in PARENTS)]),
        rest=rest,
        tails=rest[:, :3, 3] + 0.05 * Y,
        up=Z,
        inherits_rotation=np.ones(23, dtype=bool),
        local_location=np.ones(23, dtype=bool),
        connected=np.zeros(23, dtype=bool),
    )
    mapping = rig.detect.detect(armature).mapping
    assert mapping.root == "root"
    binding = rig.binding.bind(armature, mapping)
    motion = walking_motion()
    pose, contacts = solve(motion), foot_contacts(motion)
    heads = {}
    for way in ("root", "hips"):
        result = rig.retarget.retarget(pose, contacts, 20.0, binding, root_motion=way)
        heads[way] = pose_bones(armature, result.keys)
    assert np.allclose(heads["root"][:, 1:], heads["hips"][:, 1:], atol=1e-6)
    assert np.ptp(heads["root"][:, 0, 1]) > 1.0


def test_resampled_contacts_fit_the_resampled_pose() -> None:
    motion = walking_motion(41)
    assert len(resample_contacts(foot_contacts(motion), 20.0, 24.0)) == 49


def test_lying_rig_is_refused(rig) -> None:
    armature = make_rig(rig, rest_positions(), up=-Z)
    with pytest.raises(rig.skeleton_rig.RigError, match="upright"):
        rig.binding.bind(armature, preset(rig, "placid"))


def test_every_preset_loads_and_round_trips(rig, tmp_path: Path) -> None:
    presets = rig.mapping.load_presets()
    assert len({p.name for p in presets}) == len(presets) >= 10
    for mapping in presets:
        rig.mapping.save_mapping(mapping, tmp_path / "copy.toml")
        assert rig.mapping.load_mapping(tmp_path / "copy.toml") == mapping


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig", "", "mixamorig5:", "hero_07:"])
def test_mixamo_is_recognised_under_any_namespace(rig, prefix) -> None:
    mapping = rig.mapping.load_mapping(rig.mapping.PRESETS / "mixamo.toml")
    names = {joint: prefix + bone for joint, bone in mapping.bones.items()}
    for i, bone in enumerate(mapping.spine):
        names[f"spine{i + 1}"] = prefix + bone
    names["neck"] = prefix + mapping.neck[0]
    found = rig.detect.detect(named_rig(rig, names))
    assert found.mapping.name == "Mixamo"
    assert found.mapping.bones["left_elbow"] == f"{prefix}LeftForeArm"
    assert len(found.mapping.spine) == 3


def test_every_preset_recognises_its_own_bones(rig) -> None:
    for mapping in rig.mapping.load_presets():
        prefixed = mapping.prefixed(mapping.prefixes[0])
        names = dict(prefixed.bones)
        extra = [*prefixed.spine, *prefixed.neck, *([prefixed.root] if prefixed.root else [])]
        found = rig.detect.detect(named_rig(rig, names, tuple(extra))).mapping
        assert found.bones == prefixed.bones, mapping.name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = 3", "not a bone mapping"),
        ("name = 'a'\n[bones]\npelvis = 'p'", "says nothing for left_hip"),
        ("name = 'a'\nfoo = 1\n[bones]", "not a bone mapping"),
        ("name = ", "not a bone mapping"),
        ("name = 'a'\n[bones]\ntail = 'p'", "no joint 'tail'"),
    ],
)
def test_bad_mappings_are_refused_with_a_reason(rig, tmp_path: Path, text, reason) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(rig.mapping.MappingError, match=reason):
        rig.mapping.load_mapping(path)


def test_bone_used_twice_is_refused(rig) -> None:
    mapping = rig.mapping.load_mapping(rig.mapping.PRESETS / "placid.toml")
    text = rig.mapping.format_mapping(mapping).replace('"left_hip"', '"right_hip"')
    with pytest.raises(rig.mapping.MappingError, match="'right_hip' twice"):
        rig.mapping.parse_mapping(text, "text")


def test_unusual_bone_names_survive_the_file(rig, tmp_path: Path) -> None:
    mapping = rig.mapping.load_mapping(rig.mapping.PRESETS / "placid.toml")
    odd = rig.mapping.Mapping(
        name='say "hi"\\',
        bones=mapping.bones | {"head": "Kopf\tä\n"},
        properties={"a.b": {"x y": True}},
    )
    rig.mapping.save_mapping(odd, tmp_path / "odd.toml")
    assert rig.mapping.load_mapping(tmp_path / "odd.toml") == odd


def test_reach_brings_the_ankle_to_its_goal_or_as_near_as_it_can() -> None:
    hip = np.array([[0.0, 1.0, 0.0]] * 3)
    knee = hip + np.array([0.0, -0.45, 0.05])
    ankle = knee + np.array([0.0, -0.45, -0.05])
    goal = np.array([[0.1, 0.15, 0.1], [0.0, 0.4, 0.3], [0.0, -1.0, 0.0]])
    thigh, shin = reach(hip, knee, ankle, goal, np.tile(Z, (3, 1)))
    reached = hip + rot.rotate(thigh, knee - hip) + rot.rotate(shin, ankle - knee)
    assert np.allclose(reached[:2], goal[:2], atol=2e-3)
    length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
    assert np.isclose(np.linalg.norm(reached[2] - hip[2]), length[2], rtol=0.01)
