"""Exports, each checked by a reader that did not write it."""

import importlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from sample_motions import walking_motion

from shared.motion.skeleton import JOINT_NAMES, PARENTS

bpy = pytest.importorskip("bpy")


def quaternion_matrix(w: float, x: float, y: float, z: float) -> np.ndarray:
    """The rotation matrix of a unit quaternion, as textbooks have it."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@pytest.fixture
def walker(blank):
    """Placid's character, which plays a walk of 30 frames."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.armature.create_character(bpy.context)
    apply = importlib.import_module(f"{blank.__name__}.retargeting.apply_motion")
    motion = walking_motion(30)
    ours = blank.shared.motion.motion.Motion(motion.joints, prompt=motion.prompt)
    apply.apply_motion(scene, armature, ours, apply.ApplyOptions())
    return armature


def _heads(armature, frame: int) -> dict[str, np.ndarray]:
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: np.array(posed.matrix_world @ bone.head) for bone in posed.pose.bones}


def _state() -> tuple:
    scene, layer = bpy.context.scene, bpy.context.view_layer
    selected = sorted(item.name for item in layer.objects.selected)
    frames = (scene.frame_start, scene.frame_end, scene.frame_current)
    return selected, layer.objects.active, frames, len(bpy.data.actions), len(bpy.data.objects)


def _export(kind: str, path: Path) -> Path:
    bpy.context.scene.placid.armature = bpy.data.objects["Placid"]
    operator = getattr(bpy.ops.placid, f"export_{kind}")
    assert operator(filepath=str(path)) == {"FINISHED"}
    return path


def test_bvh_is_read_back_by_blenders_importer(blank, walker, tmp_path):
    before = _state()
    path = _export("bvh", tmp_path / "walk.bvh")
    assert _state() == before
    wanted = [_heads(walker, frame) for frame in (1, 15, 30)]
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    bpy.ops.import_anim.bvh(filepath=str(path), axis_forward="Y", axis_up="Z")
    again = bpy.context.view_layer.objects.active
    for frame, heads in zip((1, 15, 30), wanted, strict=True):
        found = _heads(again, frame)
        for name in ("pelvis", "left_ankle", "right_wrist", "head"):
            np.testing.assert_allclose(found[name], heads[name], atol=2e-3)


def test_fbx_is_read_back_with_its_mesh(blank, walker, tmp_path):
    path = _export("fbx", tmp_path / "walk.fbx")
    wanted = _heads(walker, 15)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.render.fps = 20
    bpy.ops.import_scene.fbx(filepath=str(path))
    (again,) = (item for item in bpy.data.objects if item.type == "ARMATURE")
    assert any(item.type == "MESH" for item in bpy.data.objects)
    first = again.animation_data.action.frame_range[0]
    found = _heads(again, round(first) + 14)
    for name in ("pelvis", "left_ankle", "right_wrist"):
        np.testing.assert_allclose(found[name], wanted[name], atol=2e-2)


def test_glb_moves_its_joints_as_the_armature_does(blank, walker, tmp_path):
    document, data = _read_glb(_export("glb", tmp_path / "walk.glb"))
    assert document["asset"]["version"] == "2.0"
    assert len(document["skins"]) == 1
    assert len(document["animations"]) == 1
    assert document["meshes"]
    for frame in (1, 15, 30):
        wanted = _heads(walker, frame)
        found = _glb_joints(document, data, (frame - 1) / 20)
        for name in ("pelvis", "left_ankle", "right_wrist", "head"):
            x, y, z = wanted[name]
            np.testing.assert_allclose(found[name], (x, z, -y), atol=2e-3, err_msg=name)


def test_smplx_parameters_point_the_limbs_as_the_armature_does(blank, walker, tmp_path):
    path = _export("smplx", tmp_path / "walk.npz")
    with np.load(path, allow_pickle=False) as file:
        assert file["poses"].shape == (30, 165)
        assert float(file["mocap_frame_rate"]) == 20.0
        poses, trans = file["poses"].reshape(30, 55, 3), file["trans"]
    offsets = blank.shared.motion.skeleton.REFERENCE_OFFSETS
    for frame in (0, 15, 29):
        heads = _heads(walker, frame + 1)
        turned: list[np.ndarray] = []
        for joint, parent in enumerate(PARENTS):
            angle = np.linalg.norm(poses[frame, joint]) + 1e-12
            axis = poses[frame, joint] / angle
            own = quaternion_matrix(np.cos(angle / 2), *(np.sin(angle / 2) * axis))
            turned.append(own if parent < 0 else turned[parent] @ own)
        for name in ("left_knee", "left_ankle", "right_elbow", "right_wrist"):
            joint = JOINT_NAMES.index(name)
            parent = PARENTS[joint]
            bone = turned[parent] @ offsets[joint]
            wanted = heads[name] - heads[JOINT_NAMES[parent]]
            cosine = bone @ wanted / np.linalg.norm(bone) / np.linalg.norm(wanted)
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 3.0, name
    assert trans[-1, 1] - trans[0, 1] == pytest.approx(-2.4, abs=0.15)


@pytest.mark.parametrize("kind", ["placid", "rigify", "mixamo"])
def test_a_motion_survives_the_way_to_a_rig_and_back(blank, kind: str) -> None:
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.sample_rigs.RIGS[kind](bpy.context)
    apply = importlib.import_module(f"{blank.__name__}.retargeting.apply_motion")
    motion = walking_motion(30)
    ours = blank.shared.motion.motion.Motion(motion.joints)
    apply.apply_motion(scene, armature, ours, apply.ApplyOptions(pin_strength=0.0))
    again = blank.retargeting.read_motion.read_motion(scene, armature, (1, 30))
    assert len(again) == 30
    bones = [j[:, 1:] - j[:, list(PARENTS[1:])] for j in (motion.joints, again.joints)]
    unit = [bone / np.linalg.norm(bone, axis=-1, keepdims=True) for bone in bones]
    names = ("left_knee", "right_knee", "left_elbow", "right_elbow")
    limbs = [JOINT_NAMES.index(name) - 1 for name in names]
    apart = np.degrees(np.arccos(np.clip((unit[0] * unit[1]).sum(-1), -1, 1)))[:, limbs]
    assert apart.max() < 1.0
    way = again.joints[-1, 0] - again.joints[0, 0]
    assert way[2] == pytest.approx(2.4, abs=0.2)
    assert abs(np.median(again.joints[..., 1].min(axis=1))) < 0.06


def test_a_character_that_plays_nothing_says_so(blank):
    armature = blank.character.armature.create_character(bpy.context)
    assert not bpy.ops.placid.export_bvh.poll()
    with pytest.raises(blank.shared.errors.PlacidError, match="plays no action"):
        blank.retargeting.export.export_bvh(bpy.context, armature, Path("x.bvh"))


def test_a_folder_that_cannot_be_written_leaves_nothing_and_says_so(blank, walker, tmp_path):
    (tmp_path / "file").touch()
    before = _state()
    for name in ("bvh", "glb", "fbx", "smplx"):
        with pytest.raises(blank.shared.errors.PlacidError, match="choose another folder"):
            getattr(blank.retargeting.export, f"export_{name}")(
                bpy.context, walker, tmp_path / "file" / f"walk.{name}"
            )
    assert _state() == before


def _read_glb(path: Path) -> tuple[dict, bytes]:
    """The two chunks of a binary glTF (specification 2.0, section 4.4)."""
    raw = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", raw)
    assert (magic, version, length) == (b"glTF", 2, len(raw))
    size, kind = struct.unpack_from("<I4s", raw, 12)
    assert kind == b"JSON"
    rest = raw[20 + size :]
    size_of_data, kind = struct.unpack_from("<I4s", rest)
    assert kind == b"BIN\0"
    return json.loads(raw[20 : 20 + size]), rest[8 : 8 + size_of_data]


def _accessor(document: dict, data: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    assert accessor["componentType"] == 5126
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    values = np.frombuffer(data, "<f4", accessor["count"] * width, start)
    return values.reshape(-1, width)


def _glb_joints(document: dict, data: bytes, seconds: float) -> dict[str, np.ndarray]:
    """Where the nodes are at a time of the animation, by name."""
    nodes = [dict(node) for node in document["nodes"]]
    animation = document["animations"][0]
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        times = _accessor(document, data, sampler["input"])[:, 0]
        values = _accessor(document, data, sampler["output"])
        at = int(np.abs(times - seconds).argmin())
        assert len(times) == 1 or abs(times[at] - seconds) < 1e-3
        nodes[channel["target"]["node"]][channel["target"]["path"]] = values[at]
    found: dict[str, np.ndarray] = {}

    def visit(index: int, above: np.ndarray) -> None:
        node = nodes[index]
        local = np.eye(4)
        x, y, z, w = node.get("rotation", (0, 0, 0, 1))
        local[:3, :3] = quaternion_matrix(w, x, y, z) * node.get("scale", (1, 1, 1))
        local[:3, 3] = node.get("translation", (0, 0, 0))
        world = above @ local
        found[node.get("name", "")] = world[:3, 3]
        for child in node.get("children", ()):
            visit(child, world)

    for root in document["scenes"][0]["nodes"]:
        visit(root, np.eye(4))
    return found
