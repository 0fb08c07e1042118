"""Takes in the Asset Browser, and what made them in files of other programs."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from walks import walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def take(blank):
    """A walk with seed, provenance and audit, that is looked at."""
    scene = bpy.context.scene
    scene.render.fps = 20
    audit = blank.shared.motion.audit
    strike = audit.FoundStrike("kick", "left", 4, 9, 6)
    motion = replace(
        walk(blank, prompt="a person walks, then kicks"),
        seed=7,
        provenance={"model": "momask", "safety": "lcr", "concepts": ["violence"]},
        audit=audit.Audit((strike,), "checks"),
    )
    request = blank.shared.protocol.messages.Generate(motion.prompt)
    armature = blank.character.armature.create_character(bpy.context)
    blank.core.takes.add_take(scene, armature, request, motion)
    scene.placid.take_index = 0
    return scene.placid.takes[0]


def _record(text: str) -> dict:
    record = json.loads(text)
    assert (record["prompt"], record["seed"]) == ("a person walks, then kicks", 7)
    assert record["provenance"]["model"] == "momask"
    assert record["audit"]["strikes"][0]["strike"] == "kick"
    return record


def test_a_take_becomes_an_asset_with_picture_tags_and_prompt(take, tmp_path):
    assert bpy.ops.placid.save_asset() == {"FINISHED"}
    action = take.action
    assert take.status == "ACCEPTED"
    assert action.asset_data.description.startswith("a person walks, then kicks (2.0 s, violence")
    tags = {tag.name for tag in action.asset_data.tags}
    assert {"placid", "walks", "kicks", "safety lcr"} <= tags
    pixels = np.array(action.preview.image_pixels_float).reshape(96, 96, 4)
    assert len(np.unique(pixels[..., 0])) > 3, "something is drawn"
    _record(action["placid"])
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    with bpy.data.libraries.load(str(path), assets_only=True) as (there, _):
        assert there.actions == [action.name]


def test_glb_carries_what_made_the_take(take, tmp_path):
    path = tmp_path / "walk.glb"
    take.armature["own"] = "mine"
    assert bpy.ops.placid.export_glb(filepath=str(path)) == {"FINISHED"}
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    nodes = json.loads(data[20 : 20 + length])["nodes"]
    extras = [node["extras"] for node in nodes if "placid" in node.get("extras", {})]
    _record(extras[0]["placid"])
    assert extras[0]["placid_seed"] == "7"
    assert set(take.armature.keys()) & {"placid", "own"} == {"own"}, "the armature is as before"


def test_fbx_carries_what_made_the_take(take, tmp_path):
    path = tmp_path / "walk.fbx"
    assert bpy.ops.placid.export_fbx(filepath=str(path)) == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(path), use_custom_props=True)
    [told] = [item["placid"] for item in bpy.data.objects if "placid" in item]
    _record(told)
