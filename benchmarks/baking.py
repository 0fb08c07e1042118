"""Bulk baking against one `keyframe_insert` per key: milliseconds and their ratio.

Run with a Python that has `bpy`: `python benchmarks/baking.py [--frames 196] [--bones 60]`.
"""

import argparse
import importlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

CHECKOUT = Path(__file__).parents[1]
ROUNDS = 5


def main() -> None:
    """Measure both ways on the same keys and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=196)
    parser.add_argument("--bones", type=int, default=60)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        bake, keys_type = _load_addon(Path(folder))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        armature = _armature(options.bones)
        keys = _keys(keys_type, armature, options.frames)
        bulk = _median_ms(lambda: bake(armature, keys, {}, "Bulk"))
        single = _median_ms(lambda: _insert(armature, keys))
    size = f"{options.frames} frames x {options.bones} bones"
    print(f"Blender {bpy.app.version_string}, {size}, median of {ROUNDS}")
    print(f"bake             {bulk:8.1f} ms")
    print(f"keyframe_insert  {single:8.1f} ms  ({single / bulk:.1f} times as long)")


def _load_addon(folder: Path):
    """`bake` and `Keys` from the add-on's modules, staged with their copy of `shared`."""
    package = folder / "placid_benchmark"
    shutil.copytree(CHECKOUT / "shared", package / "shared")
    for room in ("rig", "retargeting"):
        shutil.copytree(CHECKOUT / "blender_addon" / room, package / room)
    (package / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    bake = importlib.import_module("placid_benchmark.retargeting.bake")
    return bake.bake, bake.Keys


def _armature(bones: int) -> bpy.types.Object:
    data = bpy.data.armatures.new("Chain")
    armature = bpy.data.objects.new("Chain", data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(bones):
        bone = data.edit_bones.new(f"bone{i:03d}")
        bone.head, bone.tail = (0.0, 0.0, i), (0.0, 0.0, i + 1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return armature


def _keys(keys_type, armature: bpy.types.Object, frames: int):
    random = np.random.RandomState(0)
    rotations = {}
    for bone in armature.data.bones:
        values = random.standard_normal((frames, 4))
        rotations[bone.name] = values / np.linalg.norm(values, axis=-1, keepdims=True)
    return keys_type(rotations, {})


def _insert(armature: bpy.types.Object, keys) -> None:
    armature.animation_data_clear()
    for name, values in keys.rotations.items():
        bone = armature.pose.bones[name]
        for frame, value in enumerate(values):
            bone.rotation_quaternion = value
            bone.keyframe_insert("rotation_quaternion", frame=frame + 1)


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000.0 * statistics.median(times)


if __name__ == "__main__":
    main()
