"""Who moves: the chosen character, else what is selected; never a new one without a word."""

import pytest
from walks import add_walk

bpy = pytest.importorskip("bpy")


def _target(placid):
    return placid.core.characters.target(bpy.context)


def _generate(placid) -> None:
    scene = bpy.context.scene
    scene.placid.prompt, scene.placid.seconds = "a person walks", 2.0
    assert bpy.ops.placid.generate() == {"FINISHED"}
    current = placid.core.runtime.get()
    for _ in range(600):
        if current.job is None:
            return
        current.tick(0.05)
    raise AssertionError("it takes too long")


def _select(*items) -> None:
    for other in list(bpy.context.view_layer.objects.selected):
        other.select_set(False)
    for item in items:
        item.select_set(True)
    bpy.context.view_layer.objects.active = items[-1] if items else None


def test_the_selected_rig_moves_after_the_first_generation(walking):
    scene = bpy.context.scene
    _generate(walking)
    assert scene.placid.armature is None, "nothing is chosen that nobody chose"
    _generate(walking)
    mixamo = walking.character.sample_rigs.mixamo_skeleton(bpy.context)
    _select(mixamo)
    _generate(walking)
    names = [take.armature.name for take in scene.placid.takes]
    assert names == ["Placid", "Placid", mixamo.name]


def test_a_second_character_is_added_where_nothing_is_selected(walking):
    _generate(walking)
    bpy.ops.object.select_all(action="DESELECT")
    label = walking.retargeting.rig_label.rig_label(_target(walking))
    assert label == "Placid's own character will be added"
    _generate(walking)
    names = [take.armature.name for take in bpy.context.scene.placid.takes]
    assert names == ["Placid", "Placid.001"]


def test_a_chosen_character_moves_whatever_is_selected(blank):
    armature = blank.character.armature.create_character(bpy.context)
    bpy.context.scene.placid.armature = armature
    _select(blank.character.sample_rigs.mixamo_skeleton(bpy.context))
    assert _target(blank) == armature


def test_what_belongs_to_a_character_means_it(blank):
    armature = blank.character.armature.create_character(bpy.context)
    hat = bpy.data.objects.new("Hat", None)
    feather = bpy.data.objects.new("Feather", None)
    for item in (hat, feather):
        bpy.context.collection.objects.link(item)
    hat.parent, hat.parent_type, hat.parent_bone = armature, "BONE", "head"
    feather.parent = hat
    for item in (armature, armature.children[0], hat, feather):
        _select(item)
        assert _target(blank) == armature, item.name


def test_a_hidden_active_character_is_meant(blank):
    armature = blank.character.armature.create_character(bpy.context)
    armature.hide_set(True)
    assert _target(blank) == armature


def test_one_armature_among_other_things_is_meant(blank):
    armature = blank.character.armature.create_character(bpy.context)
    other = blank.character.armature.create_character(bpy.context)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.collection.objects.link(cube)
    _select(armature, cube)
    bpy.context.view_layer.objects.active = None
    assert _target(blank) == armature
    _select(armature, other)
    bpy.context.view_layer.objects.active = None
    assert _target(blank) is None, "it is not clear which"


@pytest.mark.parametrize("linked", [True, False])
def test_an_instance_of_a_character_is_refused_and_none_is_added(walking, tmp_path, linked):
    armature = walking.character.armature.create_character(bpy.context)
    collection = bpy.data.collections.new("Hero")
    for item in (armature, *armature.children):
        bpy.context.collection.objects.unlink(item)
        collection.objects.link(item)
    if linked:
        path = str(tmp_path / "hero.blend")
        bpy.data.libraries.write(path, {collection})
        bpy.ops.wm.read_homefile(use_empty=True)
        with bpy.data.libraries.load(path, link=True) as (_, wanted):
            wanted.collections = ["Hero"]
        [collection] = wanted.collections
    empty = bpy.data.objects.new("Hero", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    bpy.context.collection.objects.link(empty)
    _select(empty)
    bpy.context.scene.placid.prompt = "a person walks"
    remedy = "Library Override > Make" if linked else "Make Instances Real"
    with pytest.raises(RuntimeError, match=remedy):
        bpy.ops.placid.generate()
    add_walk(walking, None)
    with pytest.raises(RuntimeError, match=remedy):
        bpy.ops.placid.retarget()
    assert [item.name for item in bpy.context.scene.objects] == ["Hero"]


def test_regenerating_for_a_deleted_character_moves_the_selected_one(walking):
    _generate(walking)
    old = bpy.context.scene.placid.takes[0].armature
    other = walking.character.armature.create_character(bpy.context)
    for collection in list(old.users_collection):
        collection.objects.unlink(old)
    assert bpy.ops.placid.regenerate() == {"FINISHED"}
    current = walking.core.runtime.get()
    while current.job is not None:
        current.tick(0.05)
    assert bpy.context.scene.placid.takes[1].armature == other


@pytest.mark.parametrize("how", ["open", "excluded", "hidden", "eye", "linked"])
@pytest.mark.parametrize("mode", ["OBJECT", "SCULPT"])
def test_a_character_is_added_wherever_the_user_is(blank, tmp_path, how, mode):
    scene, layer = bpy.context.scene, bpy.context.view_layer
    other = blank.character.armature.create_character(bpy.context).children[0]
    collection = bpy.data.collections.new("Shelf")
    if how == "linked":
        path = str(tmp_path / "shelf.blend")
        bpy.data.libraries.write(path, {collection})
        with bpy.data.libraries.load(path, link=True) as (_, wanted):
            wanted.collections = ["Shelf"]
        [collection] = wanted.collections
    scene.collection.children.link(collection)
    child = next(c for c in layer.layer_collection.children if c.collection == collection)
    layer.active_layer_collection = child
    if how == "excluded":
        child.exclude = True
    elif how == "hidden":
        collection.hide_viewport = True
    elif how == "eye":
        child.hide_viewport = True
    layer.objects.active = other
    bpy.ops.object.mode_set(mode=mode)
    armature = blank.character.armature.create_character(bpy.context)
    assert layer.objects.active == armature
    assert armature.visible_get()
    assert len(armature.data.bones) == 22
    assert list(armature.users_collection) == [collection if how == "open" else scene.collection]
