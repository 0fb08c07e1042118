"""Whatever is hidden in the viewport is exported; what is not rendered is named."""

import json
import struct

import pytest
from walks import add_walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def armature(blank):
    bpy.context.scene.render.fps = 20
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    blank.core.takes.accept(bpy.context.scene, add_walk(blank, armature, 30))
    return armature


def _hide(item, how: str) -> None:
    scene = bpy.context.scene
    if how == "hide_set":
        item.hide_set(True)
    elif how == "hide_viewport":
        item.hide_viewport = True
    else:
        rigs = bpy.data.collections.new("Rigs")
        scene.collection.children.link(rigs)
        scene.collection.objects.unlink(item)
        rigs.objects.link(item)
        if how == "collection":
            rigs.hide_viewport = True
        else:
            bpy.context.view_layer.layer_collection.children["Rigs"].exclude = True


def _visibility(item) -> tuple:
    layer = bpy.context.view_layer
    seen = item.name in layer.objects and item.hide_get()
    return item.hide_viewport, seen, item.visible_get(), [c.name for c in item.users_collection]


@pytest.mark.parametrize("part", ["armature", "mesh", "both"])
@pytest.mark.parametrize("how", ["hide_set", "hide_viewport", "collection", "exclude"])
def test_a_hidden_character_is_exported_whole(blank, armature, tmp_path, how, part):
    mesh = armature.children[0]
    hidden = {"armature": [armature], "mesh": [mesh], "both": [armature, mesh]}[part]
    if how in ("collection", "exclude"):
        hidden = hidden[:1]  # the second collection would have another name
    for item in hidden:
        _hide(item, how)
    before = [_visibility(item) for item in (armature, mesh)]
    path = tmp_path / "walk.glb"
    assert blank.retargeting.export.export_glb(bpy.context, armature, path) == ""
    assert [_visibility(item) for item in (armature, mesh)] == before
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    content = json.loads(data[20 : 20 + length])
    counts = [len(content.get(kind, [])) for kind in ("skins", "animations", "meshes")]
    assert counts == [1, 1, 1]


@pytest.mark.parametrize("how", ["hide_set", "hide_viewport", "exclude"])
def test_a_hidden_character_is_read_as_it_moves(blank, armature, how):
    scene = bpy.context.scene
    read = blank.retargeting.read_motion.read_motion
    seen = read(scene, armature, (1, 30)).joints
    for item in (armature, armature.children[0])[: 1 if how == "exclude" else 2]:
        _hide(item, how)
    assert read(scene, armature, (1, 30)).joints == pytest.approx(seen, abs=1e-4)


def test_a_mesh_that_is_not_rendered_is_named(blank, armature, tmp_path):
    armature.children[0].hide_render = True
    for kind in ("glb", "fbx"):
        export = getattr(blank.retargeting.export, f"export_{kind}")
        told = export(bpy.context, armature, tmp_path / f"walk.{kind}")
        assert armature.children[0].name in told


def test_only_the_slot_of_the_character_says_how_long_it_moves(blank, armature):
    """The same action moves a camera for longer."""
    action = armature.animation_data.action
    camera = bpy.data.objects.new("Camera", None)
    bpy.context.collection.objects.link(camera)
    camera.animation_data_create().action = action
    camera.animation_data.action_slot = action.slots.new("OBJECT", "Camera")
    camera.keyframe_insert("location", frame=500)
    assert action.frame_range[1] == 500.0
    first, last = blank.retargeting.export.played_frames(armature)
    assert (first, last) == (1, 30)
