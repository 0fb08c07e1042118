"""Characters that are linked from another file, and library overrides of them."""

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _link(placid, folder, mapped: bool):
    """An armature that is linked, without an override; it may have a bone mapping of its own."""
    armature = placid.character.sample_rigs.mixamo_skeleton(bpy.context)
    if mapped:
        bpy.context.scene.placid.armature = armature
        bpy.ops.placid.guess_mapping()
    return _saved_and_linked(armature, folder)


def _saved_and_linked(armature, folder):
    armature.name = "Hero"
    collection = bpy.data.collections.new("Character")
    for member in list(bpy.context.scene.collection.objects):
        collection.objects.link(member)
    path = str(folder / "hero.blend")
    bpy.data.libraries.write(path, {collection})
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Character"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    return next(o for o in wanted.collections[0].objects if o.type == "ARMATURE")


def _override(linked):
    """What Blender's Make Library Override makes of the collection of a linked character."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    source = linked.users_collection[0]
    collection = source.override_hierarchy_create(scene, layer, do_fully_editable=True)
    if source.name in {child.name for child in scene.collection.children if child.library}:
        scene.collection.children.unlink(source)
    if collection not in set(scene.collection.children_recursive):
        scene.collection.children.link(collection)
    layer.update()
    return next(o for o in collection.all_objects if o.type == "ARMATURE")


def _take(placid, armature):
    motion = placid.shared.motion.motion.Motion(walking_motion(40).joints, prompt="a person walks")
    request = placid.shared.protocol.messages.Generate("a person walks")
    return placid.core.takes.add_take(bpy.context.scene, armature, request, motion)


def _reopened(folder):
    shot = str(folder / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    return bpy.context.scene


def test_a_take_of_a_linked_character_is_refused_with_the_remedy(blank, tmp_path):
    linked = _link(blank, tmp_path, mapped=False)
    scene = bpy.context.scene
    take = _take(blank, linked)
    with pytest.raises(blank.shared.errors.PlacidError, match="Library Override > Make"):
        blank.core.takes.accept(scene, take)
    assert (take.status, take.action, linked.animation_data) == ("NEW", None, None)
    scene.placid.armature = linked
    assert "Library Override > Make" in blank.core.characters.problem(bpy.context)
    with pytest.raises(RuntimeError, match="Library Override > Make"):
        bpy.ops.placid.guess_mapping()


def test_bone_mapping_of_an_override_can_be_changed(blank, tmp_path):
    linked = _link(blank, tmp_path, mapped=True)
    override = _override(linked)
    bpy.context.scene.placid.armature = override
    rows = override.placid_mapping.rows
    count = len(rows)
    assert count > 20
    assert bpy.ops.placid.guess_mapping() == {"FINISHED"}
    assert bpy.ops.placid.mirror_mapping(source="left") == {"FINISHED"}
    rows[3].shown = "Spine"
    scene = _reopened(tmp_path)
    again = scene.placid.armature.placid_mapping.rows
    assert (len(again), again[3].bone) == (count, "mixamorig:Spine")


def test_bone_mapping_of_an_override_is_saved(blank, tmp_path):
    linked = _link(blank, tmp_path, mapped=False)
    override = _override(linked)
    bpy.context.scene.placid.armature = override
    bpy.ops.placid.guess_mapping()
    chosen = override.placid_mapping
    chosen.title = "Hero's"
    rows = [(row.joint, row.bone) for row in chosen.rows]
    scene = _reopened(tmp_path)
    again = scene.placid.armature.placid_mapping
    assert [(row.joint, row.bone) for row in again.rows] == rows
    assert again.title == "Hero's"
    assert bpy.ops.placid.clear_mapping() == {"FINISHED"}
    scene = _reopened(tmp_path)
    assert not any(row.joint for row in scene.placid.armature.placid_mapping.rows)


def test_a_take_of_an_override_is_saved(blank, tmp_path):
    linked = _link(blank, tmp_path, mapped=False)
    override = _override(linked)
    blank.core.takes.accept(bpy.context.scene, _take(blank, override))
    scene = _reopened(tmp_path)
    armature = scene.placid.takes[0].armature
    assert armature.override_library is not None
    assert armature.animation_data.action == scene.placid.takes[0].action is not None


def test_an_overrides_own_animation_comes_back(blank, tmp_path):
    """Where the library's character plays an action of its own, reject gives that back."""
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    hips = armature.pose.bones["mixamorig:Hips"]
    for frame, height in ((1, 0.0), (20, 50.0)):
        hips.location.y = height
        hips.keyframe_insert("location", frame=frame)
    linked = _saved_and_linked(armature, tmp_path)
    override = _override(linked)
    own = override.animation_data.action
    assert own.library is not None
    scene = bpy.context.scene
    take = _take(blank, override)
    blank.core.takes.accept(scene, take)
    assert override.animation_data.action == take.action
    assert not own.use_fake_user, "another file's action is not ours to change"
    blank.core.takes.reject(scene, take)
    assert override.animation_data.action == own
    heights = []
    for frame in (1, 20):
        scene.frame_set(frame)
        heights.append(round(override.pose.bones["mixamorig:Hips"].location.y, 3))
    assert heights == [0.0, 50.0]


def test_a_local_object_with_linked_bones_plays_takes(blank, tmp_path):
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    linked = _saved_and_linked(armature, tmp_path)
    own = bpy.data.objects.new("Own", linked.data)
    bpy.context.scene.collection.objects.link(own)
    own.matrix_world = linked.matrix_world
    bpy.context.view_layer.update()
    take = _take(blank, own)
    blank.core.takes.accept(bpy.context.scene, take)
    assert own.animation_data.action == take.action
    assert own.data.library is not None
