"""Reduced keys of generated walks: their share, what they are off by, and how long it takes.

Run with a Python that has `bpy`, on motions that `backend generate` wrote:

    python -m backend generate "a person walks forward" --seconds 6 --takes 3 --seed 1 --out WALKS
    python benchmarks/fewer_keys.py WALKS/*.npz [--fps 24] [--rig placid]
"""

import argparse
import importlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np

CHECKOUT = Path(__file__).parents[1]
PACKAGE = "placid_benchmark"
STANDING = 0.05  # metres a second
FEET = [f"{side}_{joint}" for side in ("left", "right") for joint in ("ankle", "foot")]
HANDS = ["left_wrist", "right_wrist"]


def main() -> None:
    """Print a line for each motion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("motions", type=Path, nargs="+")
    parser.add_argument("--fps", type=int, default=24)
    parser.add_argument("--rig", choices=("placid", "rigify"), default="placid")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / PACKAGE
        shutil.copytree(CHECKOUT / "blender_addon", package)
        shutil.copytree(CHECKOUT / "shared", package / "shared")
        # Nothing is registered here.
        (package / "__init__.py").write_text("", encoding="utf-8")
        sys.path.insert(0, folder)
        for path in options.motions:
            print(f"{path.stem}: {_measure(path, options.fps, options.rig)}")


def _module(name: str):
    return importlib.import_module(f"{PACKAGE}.{name}")


def _measure(path: Path, fps: int, rig: str) -> str:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = fps
    rigs = _module("character.sample_rigs")
    make = rigs.create_character if rig == "placid" else rigs.rigify_metarig
    armature = make(bpy.context)
    mapping = (
        _module("shared.recognition.detect")
        .detect(_module("rig.read_rig").read_rig(armature))
        .mapping
    )
    apply = _module("retargeting.apply_motion")
    motion = _module("shared.motion.motion").load_motion(path)
    options = apply.ApplyOptions(mapping=mapping)
    action = apply.apply_motion(scene, armature, motion, options).action
    before = _pose(armature, mapping)
    bounds = _module("rig.key_reduction").Bounds()
    work = _module("retargeting.reduce_keys").reduction_steps(
        scene, armature, action, mapping, bounds
    )
    steps, share = [], 0.0
    while True:
        start = time.perf_counter()
        try:
            next(work)
        except StopIteration as end:
            share = end.value
        steps.append(1000.0 * (time.perf_counter() - start))
        if share:
            break
    after = _pose(armature, mapping)
    off = 1000.0 * np.linalg.norm(after[1] - before[1], axis=-1)
    dots = np.abs((before[0] * after[0]).sum(-1))
    turned = np.degrees(2.0 * np.arccos(np.clip(dots, 0.0, 1.0)))
    slides = [np.linalg.norm(np.diff(p[1][:, :4], axis=0), axis=-1) * fps for p in (before, after)]
    standing = slides[0] < STANDING
    return (
        f"{len(off)} frames, {100.0 * share:.1f} % of the keys, "
        f"bones {turned.max():.2f} degrees off at most, hands and feet {off.max():.2f} mm, "
        f"feet that stand {off[1:, :4][standing].max():.2f} mm and "
        f"{1000.0 * slides[0][standing].mean():.0f} -> "
        f"{1000.0 * slides[1][standing].mean():.0f} mm/s; "
        f"{sum(steps):.0f} ms in {len(steps)} steps, the longest {max(steps):.0f} ms"
    )


def _pose(armature: bpy.types.Object, mapping) -> tuple[np.ndarray, np.ndarray]:
    """Basis rotations (T, B, 4) and places of feet and hands (T, 6, 3) that Blender evaluates."""
    ends = [mapping.bones[joint] for joint in (*FEET, *HANDS)]
    first, last = armature.animation_data.action.frame_range
    turns, heads = [], []
    for frame in range(round(first), round(last) + 1):
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        bones = posed.pose.bones
        turns.append([bones[name].matrix_basis.to_quaternion() for name in mapping.all_bones()])
        heads.append([posed.matrix_world @ bones[name].head for name in ends])
    return np.array(turns), np.array(heads)


if __name__ == "__main__":
    main()
