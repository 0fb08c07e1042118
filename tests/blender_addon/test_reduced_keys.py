"""Fewer keys: a fifth of a walk's, within the bounds, measured on what Blender makes of them."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from walks import add_walk

from shared.environments import environment_python
from shared.motion import rotations as rot

bpy = pytest.importorskip("bpy")

CHECKOUT = Path(__file__).parents[2]
BACKEND = environment_python(CHECKOUT / ".placid" / "backend")
DEGREES, METRES = 0.5, 0.003


@pytest.fixture
def scene(blank):
    bpy.context.scene.render.fps = 24
    return bpy.context.scene


def _pose(armature, bones: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Basis rotations (T, B, 4), heads and tails (T, B, 3) in the world, as Blender evaluates."""
    first, last = armature.animation_data.action.frame_range
    turns, heads, tails = [], [], []
    for frame in range(round(first), round(last) + 1):
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found = [posed.pose.bones[bone] for bone in bones]
        turns.append([bone.matrix_basis.to_quaternion() for bone in found])
        heads.append([posed.matrix_world @ bone.head for bone in found])
        tails.append([posed.matrix_world @ bone.tail for bone in found])
    return np.array(turns), np.array(heads), np.array(tails)


def _keys(placid, action, armature) -> int:
    curves = placid.retargeting.slots.curves_of(action, armature)
    return sum(len(curve.keyframe_points) for curve in curves)


def _measure(placid, armature, take) -> tuple[float, float, float]:
    """Share of keys left, degrees and metres off, for the take's reduction by the operator."""
    mapping = placid.retargeting.bone_mapping.mapping_of(
        armature, placid.rig.read_rig.read_rig(armature)
    )
    ends = [
        mapping.bones[f"{s}_{j}"] for s in ("left", "right") for j in ("wrist", "ankle", "foot")
    ]
    names = [*ends, *(bone for bone in mapping.all_bones() if bone not in ends)]
    before, many = _pose(armature, names), _keys(placid, take.action, armature)
    assert bpy.ops.placid.reduce_keys() == {"FINISHED"}
    after, few = _pose(armature, names), _keys(placid, take.action, armature)
    turned = np.degrees(rot.angle(rot.multiply(rot.conjugate(before[0]), after[0])))
    moved = np.linalg.norm(before[1][:, :6] - after[1][:, :6], axis=-1)
    return few / many, float(turned.max()), float(moved.max())


@pytest.mark.parametrize("rig", ["placid", "rigify", "mixamo"])
def test_bounds_are_kept_on_every_rig(blank, scene, rig):
    rigs = blank.character.sample_rigs
    add = {
        "placid": blank.character.armature.create_character,
        "rigify": rigs.rigify_metarig,
        "mixamo": rigs.mixamo_skeleton,
    }[rig]
    armature = add(bpy.context)
    take = add_walk(blank, armature, 60)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    share, degrees, metres = _measure(blank, armature, take)
    assert share < 0.2
    assert degrees < DEGREES
    assert metres < METRES
    assert not blank.core.hand_edits.is_edited(take)


@pytest.mark.slow
@pytest.mark.skipif(not BACKEND.is_file(), reason="needs the backend's environment")
@pytest.mark.parametrize("rig", ["placid", "rigify"])
def test_a_generated_walk_keeps_a_fifth_and_its_feet(blank, scene, rig, tmp_path):
    command = [BACKEND, "-m", "backend", "generate", "a person walks forward", "--seconds", "6"]
    subprocess.run(
        [*command, "--seed", "1", "--out", tmp_path], cwd=CHECKOUT, check=True, timeout=300
    )
    [path] = tmp_path.glob("*.npz")
    rigs = blank.character.sample_rigs
    make = blank.character.armature.create_character if rig == "placid" else rigs.rigify_metarig
    armature = make(bpy.context)
    motion = blank.shared.motion.motion.load_motion(path)
    request = blank.shared.protocol.messages.Generate("a person walks forward")
    take = blank.core.takes.add_take(scene, armature, request, motion)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    share, degrees, metres = _measure(blank, armature, take)
    print(f"{rig}: {100 * share:.1f} % of the keys, {degrees:.2f} degrees, {1000 * metres:.2f} mm")
    assert share < 0.2
    assert degrees < DEGREES
    assert metres < METRES


def test_bones_share_their_keys_and_have_free_bezier_handles(blank, scene):
    armature = blank.character.armature.create_character(bpy.context)
    scene.placid_motion.keys = "REDUCED"
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    frames: dict[str, set] = {}
    for curve in blank.retargeting.slots.curves_of(take.action, armature):
        points = curve.keyframe_points
        assert {point.interpolation for point in points} == {"BEZIER"}
        assert {point.handle_left_type for point in points} == {"FREE"}
        frames.setdefault(curve.data_path, set()).add(tuple(point.co.x for point in points))
    assert all(len(found) == 1 for found in frames.values())
    assert len({next(iter(found)) for found in frames.values()}) > 2


@pytest.mark.parametrize("mode", ["XYZ", "ZYX", "YZX", "AXIS_ANGLE"])
def test_any_rotation_mode_keeps_the_bound(blank, scene, mode):
    armature = blank.character.armature.create_character(bpy.context)
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    take = add_walk(blank, armature)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    _, degrees, metres = _measure(blank, armature, take)
    assert degrees < DEGREES
    assert metres < METRES


def test_an_edit_stays_an_edit_and_is_kept_within_the_bound(blank, scene):
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    curves = blank.retargeting.slots.curves_of(take.action, armature)
    curve = next(c for c in curves if "head" in c.data_path and c.array_index == 1)
    for point in curve.keyframe_points:
        point.co.y += 0.3
    assert _measure(blank, armature, take)[1] < DEGREES
    assert blank.core.hand_edits.is_edited(take)


def test_a_failure_leaves_every_key_where_it_was(blank, scene, monkeypatch):
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    before = blank.core.hand_edits.fingerprint(take.action)

    def fail(_self):
        raise MemoryError

    monkeypatch.setattr(blank.rig.key_reduction.KeyReduction, "_thin", fail)
    with pytest.raises(RuntimeError):
        bpy.ops.placid.reduce_keys()
    assert blank.core.hand_edits.fingerprint(take.action) == before


def test_one_undo_brings_every_key_back(blank, scene):
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    scene.placid.take_index = 0
    blank.core.takes.show(scene, take)
    before = blank.core.hand_edits.fingerprint(take.action)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.placid.reduce_keys() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Reduce Keys")  # what Blender does after an operator
    bpy.ops.ed.undo()
    [take] = bpy.context.scene.placid.takes
    assert blank.core.hand_edits.fingerprint(take.action) == before
    assert not blank.core.hand_edits.is_edited(take)


def test_a_loop_still_closes(blank, scene):
    armature = blank.character.armature.create_character(bpy.context)
    scene.placid_motion.loop, scene.placid_motion.keys = True, "REDUCED"
    take = add_walk(blank, armature, 120)
    blank.core.takes.show(scene, take)
    first, last = take.action.frame_range
    for curve in blank.retargeting.slots.curves_of(take.action, armature):
        assert [modifier.type for modifier in curve.modifiers] == ["CYCLES"]
        if "rotation" in curve.data_path:
            ends = [curve.keyframe_points[i].co.y for i in (0, -1)]
            assert np.isclose(*np.abs(ends), atol=1e-5)
    assert last > first
