"""Placid's own character: its skeleton, its surface, its skin."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")


@pytest.fixture
def character(blank):
    return blank.character.armature.create_character(bpy.context)


def _body(armature):
    return next(child for child in armature.children if child.type == "MESH")


def _coordinates(mesh) -> np.ndarray:
    flat = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def test_bones_are_the_joints_of_the_reference_skeleton(blank, character):
    skeleton = blank.shared.motion.skeleton
    assert {bone.name for bone in character.data.bones} == set(skeleton.JOINT_NAMES)
    for index, parent in enumerate(skeleton.PARENTS):
        bone = character.data.bones[skeleton.JOINT_NAMES[index]]
        if parent < 0:
            continue
        x, y, z = skeleton.REFERENCE_OFFSETS[index]
        offset = bone.head_local - bone.parent.head_local
        np.testing.assert_allclose(offset, (x, -z, y), atol=1e-5)


def test_body_is_one_closed_symmetric_surface_of_human_size(character):
    import bmesh
    from mathutils.kdtree import KDTree

    mesh = _body(character).data
    form = bmesh.new()
    form.from_mesh(mesh)
    assert all(edge.is_manifold for edge in form.edges)
    # A person of this height weighs 50 to 75 kg, a litre each; negative means inside out.
    assert 0.05 < form.calc_volume(signed=True) < 0.075
    form.free()
    points = _coordinates(mesh)
    assert 1.55 < np.ptp(points[:, 2]) < 1.85
    assert abs(points[:, 2].min()) < 0.01
    tree = KDTree(len(points))
    for index, point in enumerate(points):
        tree.insert(point, index)
    tree.balance()
    assert max(tree.find(point)[2] for point in points * (-1, 1, 1)) < 1e-4


def test_every_vertex_hangs_on_few_bones_with_weights_of_one(character):
    for vertex in _body(character).data.vertices:
        weights = [group.weight for group in vertex.groups]
        assert 1 <= len(weights) <= 4
        assert sum(weights) == pytest.approx(1.0, abs=0.02)


def test_a_bone_moves_its_own_limb_only(character):
    body = _body(character)
    rest = _coordinates(body.data)
    bone = character.pose.bones["left_elbow"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.0, 0.0, 1.2)
    bpy.context.view_layer.update()
    posed = _coordinates(body.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)
    moved = np.linalg.norm(posed - rest, axis=1)
    elbow = character.data.bones["left_elbow"].head_local.x
    assert moved[rest[:, 0] > elbow + 0.15].min() > 0.05
    assert moved[rest[:, 0] < elbow - 0.15].max() < 1e-4


def test_character_is_active_and_selected(character):
    assert bpy.context.view_layer.objects.active == character
    assert bpy.context.mode == "OBJECT"
    assert list(bpy.context.view_layer.objects.selected) == [character]
