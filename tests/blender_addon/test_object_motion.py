"""Travel and turns of the armature object, its parent and its constraints are the character's."""

import math

import numpy as np
import pytest
from walks import add_walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def armature(blank):
    """A character that walks on the spot, in frames 1 to 40."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.armature.create_character(bpy.context)
    scene.placid_motion.root_motion = "in_place"
    blank.core.takes.accept(scene, add_walk(blank, armature))
    return armature


def _key_way(item) -> None:
    for frame, y in ((1, 0.0), (40, -3.0)):
        item.location.y = y
        item.keyframe_insert("location", frame=frame)


def _carrier(armature, how: str):
    carrier = bpy.data.objects.new("Carrier", None)
    bpy.context.collection.objects.link(carrier)
    if how == "parent":
        armature.parent = carrier
    else:
        armature.constraints.new("CHILD_OF").target = carrier
    return carrier


def _smplx(placid, armature, folder) -> np.ndarray:
    path = folder / "walk.npz"
    placid.retargeting.export.export_smplx(bpy.context, armature, path)
    with np.load(path) as file:
        return file["trans"]


@pytest.mark.parametrize("how", ["object", "parent", "constraint"])
def test_what_carries_the_object_carries_the_exported_body(blank, armature, tmp_path, how):
    _key_way(armature if how == "object" else _carrier(armature, how))
    places = _smplx(blank, armature, tmp_path)
    assert np.linalg.norm((places[-1] - places[0])[:2]) == pytest.approx(3.0, abs=0.2)


def test_the_way_counts_from_where_the_object_is_first(blank, armature, tmp_path):
    """Also on an object that is turned and half as large: the way is as long as the body is."""
    armature.rotation_euler.z = math.pi / 2
    armature.scale = (0.5, 0.5, 0.5)
    _key_way(armature)
    places = _smplx(blank, armature, tmp_path)
    way = (places[-1] - places[0])[:2]
    assert np.linalg.norm(way) == pytest.approx(6.0, abs=0.4)
    # Turned by a quarter to its left the body faces +X: what goes along -Y goes to its right.
    assert abs(way[0]) > 5.0


def test_the_object_stays_where_its_action_began_when_another_take_is_shown(blank, armature):
    scene = bpy.context.scene
    _key_way(armature)
    scene.frame_set(40)
    blank.core.takes.show(scene, add_walk(blank, armature))
    assert armature.location.y == pytest.approx(0.0, abs=1e-6)


def test_a_parents_way_is_not_in_a_motion_for_the_same_armature(blank, armature):
    _key_way(_carrier(armature, "parent"))
    read = blank.retargeting.read_motion.read_motion
    for space, way in (("parent", 0.0), ("world", 3.0)):
        joints = read(bpy.context.scene, armature, (1, 40), space=space).joints
        assert np.linalg.norm(np.diff(joints[[0, -1], 0][:, [0, 2]], axis=0)) == pytest.approx(
            way, abs=0.2
        )


def test_where_the_playhead_is_does_not_tell_which_way_is_up(blank, armature):
    """The object falls over at the end; it is read from where it stands at first."""
    scene = bpy.context.scene
    for frame, turn in ((1, 0.0), (40, math.pi / 2)):
        armature.rotation_euler.x = turn
        armature.keyframe_insert("rotation_euler", frame=frame)
    read = blank.retargeting.read_motion.read_motion
    motions = []
    for playhead in (1, 40):
        scene.frame_set(playhead)
        motions.append(read(scene, armature, (1, 40)).joints)
    assert np.allclose(*motions, atol=1e-4)
    up = motions[0][:, 15, 1] - motions[0][:, 0, 1]  # head above pelvis
    assert up[0] > 0.4
    assert abs(up[-1]) < 0.2
