"""While a strip is edited (Tab in the NLA editor) an armature's action is locked."""

import pytest
from walks import add_walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def tweaked(blank):
    """A character whose pushed take is being edited, and a second take."""
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    blank.core.takes.push_to_nla(scene, add_walk(blank, armature))
    add_walk(blank, armature)
    data = armature.animation_data
    data.nla_tracks[-1].strips[0].select = True
    data.nla_tracks.active = data.nla_tracks[-1]
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    return blank


VERBS = ("show", "accept", "retarget", "push_to_nla")


# Nothing plays the second take: rejecting it touches nothing that is locked.
@pytest.mark.parametrize(
    ("verb", "number"), [("reject", 0), *((verb, n) for verb in VERBS for n in (0, 1))]
)
def test_verbs_say_what_to_do_and_change_nothing(tweaked, verb, number):
    scene = bpy.context.scene
    take = scene.placid.takes[number]
    armature = scene.placid.takes[0].armature
    more = (armature,) if verb == "retarget" else ()
    data = armature.animation_data

    def state() -> tuple:
        strips = [strip.action for track in data.nla_tracks for strip in track.strips]
        return take.status, take.action, data.action, strips, set(bpy.data.actions)

    before = state()
    with pytest.raises(tweaked.shared.errors.PlacidError, match="press Tab in the NLA editor"):
        getattr(tweaked.core.takes, verb)(scene, take, *more)
    assert state() == before
    data.use_tweak_mode = False
    getattr(tweaked.core.takes, verb)(scene, take, *more)


def test_choosing_a_take_says_so_too(tweaked):
    bpy.context.scene.placid.take_index = 1
    assert "press Tab" in tweaked.core.runtime.get().notice.message


def test_a_take_for_another_character_is_shown(tweaked):
    scene = bpy.context.scene
    other = tweaked.character.armature.create_character(bpy.context)
    take = add_walk(tweaked, other)
    tweaked.core.takes.show(scene, take)
    assert other.animation_data.action == take.action


def test_an_edited_strip_is_not_exported_at_the_wrong_frames(tweaked, tmp_path):
    armature = bpy.context.scene.placid.takes[0].armature
    path = tmp_path / "walk.npz"
    with pytest.raises(tweaked.shared.errors.PlacidError, match="press Tab"):
        tweaked.retargeting.export.export_smplx(bpy.context, armature, path)
    assert not path.exists()
