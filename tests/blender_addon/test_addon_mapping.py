"""The mapping editor and the Motion settings, as the panels' buttons use them."""

import importlib
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.fixture
def character(blank):
    """Placid's own character, chosen."""
    armature = blank.character.armature.create_character(bpy.context)
    bpy.context.scene.placid.armature = armature
    bpy.context.scene.render.fps = 20
    yield armature
    for path in blank.retargeting.bone_mapping.preset_folder().glob("*.toml"):
        path.unlink()


@pytest.fixture
def take(blank, character):
    """A walk in the list of takes, unseen."""
    motion = blank.shared.motion.motion.Motion(
        walking_motion(60).joints, prompt="a person walks", seed=3
    )
    request = blank.shared.protocol.messages.Generate(prompt="a person walks")
    return blank.core.takes.add_take(bpy.context.scene, character, request, motion)


def rows(armature, joint: str) -> list[str]:
    return [row.bone for row in armature.placid_mapping.rows if row.joint == joint]


def rename(armature, names: dict[str, str]) -> None:
    for old, new in names.items():
        armature.data.bones[old].name = new


def test_guess_fills_the_editor_and_edits_count(blank, character) -> None:
    assert bpy.ops.placid.guess_mapping() == {"FINISHED"}
    assert rows(character, "left_elbow") == ["left_elbow"]
    assert rows(character, "spine")[:3] == ["spine1", "spine2", "spine3"]
    row = next(r for r in character.placid_mapping.rows if r.joint == "left_wrist")
    row.bone = ""
    rig = importlib.import_module(f"{blank.__name__}.rig.read_rig").read_rig(character)
    mapping = blank.retargeting.bone_mapping.mapping_of(character, rig)
    assert "left_wrist" not in mapping.bones
    assert bpy.ops.placid.clear_mapping() == {"FINISHED"}
    assert "left_wrist" in blank.retargeting.bone_mapping.mapping_of(character, rig).bones


def test_unrecognised_rig_is_mapped_by_hand(blank, character, take) -> None:
    """Half a body by hand, the other half mirrored, kept as a preset for the next character."""
    old = {bone.name: bone.name for bone in character.data.bones}
    new = {
        name: f"x{name.removeprefix('left_').removeprefix('right_')[::-1]}"
        + (".L" if name.startswith("left") else ".R" if name.startswith("right") else "")
        for name in old
    }
    rename(character, new)
    bpy.ops.placid.guess_mapping()
    editor = character.placid_mapping
    for row in editor.rows:
        by_hand = row.joint in new and row.joint != "neck" and "right" not in row.joint
        row.bone = new[row.joint] if by_hand else ""
    spines = [row for row in editor.rows if row.joint == "spine"]
    spines[0].bone = new["spine2"]
    with pytest.raises(RuntimeError, match="right_hip"):
        bpy.ops.placid.save_mapping()
    assert bpy.ops.placid.mirror_mapping(source="left") == {"FINISHED"}
    editor.title = "My Creature"
    assert bpy.ops.placid.save_mapping() == {"FINISHED"}
    assert (blank.retargeting.bone_mapping.preset_folder() / "my-creature.toml").is_file()
    blank.core.takes.show(bpy.context.scene, take)
    assert take.report.startswith("My Creature")
    keyed = {
        curve.group.name for curve in blank.retargeting.slots.curves_of(take.action, character)
    }
    assert new["spine2"] in keyed
    assert new["spine1"] not in keyed
    bpy.ops.placid.clear_mapping()
    assert blank.retargeting.rig_label.rig_label(character).endswith("My Creature")


def test_every_line_of_a_section_has_a_name_of_its_own(blank, character) -> None:
    bpy.ops.placid.guess_mapping()
    editor = character.placid_mapping
    labels = blank.retargeting.bone_mapping.row_labels(editor)
    assert [label for label in labels if label.startswith(("Spine", "Neck"))] == [
        *("Spine 1", "Spine 2", "Spine 3", "Spine 4", "Spine 5"),
        *("Neck 1", "Neck 2", "Neck 3"),
    ]
    panel = importlib.import_module(f"{blank.__name__}.features.mapping.panel")
    for title, prefixes in panel.SECTIONS:
        section = MagicMock()
        panel._draw_section(section, title, prefixes, editor, character)
        texts = [call.kwargs["text"] for call in section.mock_calls if call.kwargs.get("text")]
        assert len(set(texts)) == len(texts) > 8


def test_names_are_shown_without_what_they_share(blank) -> None:
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    bpy.context.scene.placid.armature = armature
    bpy.ops.placid.guess_mapping()
    editor = armature.placid_mapping
    assert editor.prefix == "mixamorig:"
    row = next(row for row in editor.rows if row.joint == "right_wrist")
    assert (row.shown, row.bone) == ("RightHand", "mixamorig:RightHand")
    for typed in ("LeftHand", "mixamorig:LeftHand"):
        row.bone = ""
        row.shown = typed
        assert (row.shown, row.bone) == ("LeftHand", "mixamorig:LeftHand")
    row.shown = "Nobody"
    assert row.bone == "Nobody"
    row.shown = ""
    assert row.bone == ""
    other = armature.data.bones["mixamorig:LeftForeArm"]
    other.name = "RightHand"
    row.bone = "mixamorig:RightHand"
    assert row.shown == "mixamorig:RightHand", "a bone of the short name is another one"
    row.shown = "RightHand"
    assert row.bone == "RightHand"


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (["m_avg_Pelvis", "m_avg_L_Hip"], "m_avg_"),
        (["Bip01 Pelvis", "Bip01 L Thigh"], "Bip01 "),
        (["thigh.L", "thigh.R"], "thigh."),
        (["spine", "spine1"], ""),
        (["a:hips"], ""),
        ([], ""),
    ],
)
def test_a_prefix_ends_with_a_separator(blank, names, prefix) -> None:
    assert blank.retargeting.bone_mapping.common_prefix(names) == prefix


def test_preset_and_file_fill_the_editor(blank, character, tmp_path: Path) -> None:
    assert bpy.ops.placid.use_preset(preset="Mixamo") == {"FINISHED"}
    assert not any(row.bone for row in character.placid_mapping.rows)
    assert blank.retargeting.rig_label.rig_label(character).endswith("incomplete")
    source = Path(blank.__file__).parent / "shared" / "recognition" / "presets" / "placid.toml"
    assert bpy.ops.placid.load_mapping(filepath=str(source)) == {"FINISHED"}
    assert rows(character, "head") == ["head"]
    bad = tmp_path / "bad.toml"
    bad.write_text("name = 3")
    with pytest.raises(RuntimeError, match="not a bone mapping"):
        bpy.ops.placid.load_mapping(filepath=str(bad))


def test_presets_of_two_alphabets_are_two_files(blank, character) -> None:
    bpy.ops.placid.guess_mapping()
    folder = blank.retargeting.bone_mapping.preset_folder()
    before = set(folder.iterdir())
    titles = ["Герой", "Враг", "英雄", "敵", "Café", "Cafe", "Café 2"]
    for title in titles:
        character.placid_mapping.title = title
        assert bpy.ops.placid.save_mapping() == {"FINISHED"}
    made = set(folder.iterdir()) - before
    names = sorted(preset.name for preset in blank.retargeting.bone_mapping.own_presets())
    for path in made:
        path.unlink()
    assert len(made) == len(titles)
    assert set(titles) <= set(names)


def test_a_preset_does_not_take_the_place_of_one_with_nearly_its_name(blank, character) -> None:
    bpy.ops.placid.guess_mapping()
    folder = blank.retargeting.bone_mapping.preset_folder()
    for title in ("Nearly", "Nearly"):
        character.placid_mapping.title = title
        assert bpy.ops.placid.save_mapping() == {"FINISHED"}
    character.placid_mapping.title = "NEARLY"
    with pytest.raises(RuntimeError, match="a preset 'Nearly' is there already"):
        bpy.ops.placid.save_mapping()
    (folder / "nearly.toml").unlink()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff\xfe\xff", b"name = 'x'", b"name = 5", b"\0" * 100, b"bones = 1"),
        b"name='x'\nbones=" + b"[" * 50_000 + b"]" * 50_000,
        b"name='x'\nbones=" + b"{a=" * 5000,
        b".".join([b"a"] * 50_000) + b" = 1",
        b"name='x'\n[bones]\n" + b"".join(b"b%d='x%d'\n" % (i, i) for i in range(10_000)),
        b"name='x'\n[bones]\n" + b"".join(b"b%d='x'\n" % i for i in range(300)),
        b"name='" + b"n" * 100_000 + b"'\n[bones]\n",
        b"name='x'\nspine=[" + b"'s'," * 50_000 + b"]\n[bones]\n",
        b"name='x'\n[bones]\n[properties.a]\nb = " + b"9" * 5000,
        b"name='x'\n[bones]\n[properties.a]\nb = nan",
        b"#" * 2_000_000,
    ],
)
def test_hostile_mappings_are_one_sentence(blank, character, tmp_path: Path, content) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(content)
    with pytest.raises(blank.shared.recognition.mapping.MappingError) as caught:
        blank.shared.recognition.mapping.load_mapping(path)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 700
    with pytest.raises(RuntimeError, match=r"mapping|is damaged|nested|larger"):
        bpy.ops.placid.load_mapping(filepath=str(path))


def test_damaged_preset_does_not_stop_recognition(blank, character) -> None:
    (blank.retargeting.bone_mapping.preset_folder() / "bad.toml").write_text("]")
    assert blank.retargeting.rig_label.rig_label(character).startswith("Placid: Placid")


def test_settings_of_the_panel_reach_the_keys(blank, take) -> None:
    scene = bpy.context.scene
    settings = scene.placid_motion
    settings.start, settings.frame = "FRAME", 31
    settings.own_rate, settings.fps = True, 10.0
    settings.root_motion = "in_place"
    blank.core.takes.show(scene, take)
    curves = blank.retargeting.slots.curves_of(take.action, take.armature)
    frames = [point.co[0] for point in curves[0].keyframe_points]
    assert np.allclose(frames, np.arange(31.0, 91.0, 2.0))
    # The pelvis bone, which stands almost upright, runs along its own y axis; the walk goes 2.4 m.
    travel = [c for c in curves if c.data_path.endswith("location") and c.array_index != 1]
    assert all(np.ptp([p.co[1] for p in c.keyframe_points]) < 0.05 for c in travel)
    settings.start, settings.own_rate, settings.loop = "SCENE", False, True
    assert bpy.ops.placid.retarget() == {"FINISHED"}
    assert take.action.use_cyclic
    assert take.action.frame_range[1] < 61.0
    assert all(c.modifiers for c in blank.retargeting.slots.curves_of(take.action, take.armature))


def test_take_follows_an_accepted_one_where_it_ended(blank, take) -> None:
    scene = bpy.context.scene
    blank.core.takes.accept(scene, take)
    first = take.action
    end = round(first.frame_range[1])
    motion = blank.core.takes.unpack_motion(take.motion)
    request = blank.shared.protocol.messages.Generate(prompt="then walks on")
    second = blank.core.takes.add_take(scene, take.armature, request, motion)
    settings = scene.placid_motion
    settings.start, settings.frame, settings.blend_in = "FRAME", end, 10
    blank.core.takes.show(scene, second)
    armature = second.armature

    def pose(action):
        blank.retargeting.slots.assign_action(armature, action)
        scene.frame_set(end)
        bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        return np.array([bones[name].head for name in ("pelvis", "left_wrist", "right_foot")])

    assert np.linalg.norm(pose(first)[0, :2]) > 1.0
    # Pinned feet give a little against the pose that was there.
    assert np.allclose(pose(second.action), pose(first), atol=0.03)
    blank.core.takes.reject(scene, second)
    assert armature.animation_data.action == first


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "AXIS_ANGLE"])
def test_bones_keep_their_rotation_mode(blank, character, take, mode) -> None:
    def wrist(action) -> list:
        blank.retargeting.slots.assign_action(character, action)
        found = []
        for frame in (1, 17, 40):
            bpy.context.scene.frame_set(frame)
            found.append(list(character.pose.bones["left_wrist"].matrix.translation))
        return found

    blank.core.takes.show(bpy.context.scene, take)
    expected = wrist(take.action)
    for bone in character.pose.bones:
        bone.rotation_mode = mode
    assert bpy.ops.placid.retarget() == {"FINISHED"}
    assert character.pose.bones["left_elbow"].rotation_mode == mode
    assert np.allclose(wrist(take.action), expected, atol=1e-4)


def test_switches_are_set_and_keyed_where_they_exist(blank, character, take) -> None:
    character.pose.bones["left_wrist"]["IK_FK"] = 0.0
    bpy.ops.placid.guess_mapping()
    editor = character.placid_mapping
    editor.base += "\n[properties.left_wrist]\nIK_FK = 1.0\nmissing = 1.0\n"
    blank.core.takes.show(bpy.context.scene, take)
    assert character.pose.bones["left_wrist"]["IK_FK"] == 1.0
    assert "missing" not in character.pose.bones["left_wrist"]
    paths = {c.data_path for c in blank.retargeting.slots.curves_of(take.action, character)}
    assert 'pose.bones["left_wrist"]["IK_FK"]' in paths
