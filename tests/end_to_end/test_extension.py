"""The main job: the real zip in a real Blender, talking to a real backend about real motion."""

import subprocess
import sys
from pathlib import Path

import bpy
import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "build.py", "demo", "a person walks forward", "--seconds", "2"]
    command += ["--blender", "{}.{}".format(*bpy.app.version)]
    done = subprocess.run(
        [*command, "--seed", "1", "--out", str(out)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


def test_demo_writes_scene_video_and_sheet(demo: Path) -> None:
    sizes = {path.suffix: path.stat().st_size for path in demo.iterdir()}
    assert {".blend", ".mp4", ".png"} <= sizes.keys()
    assert all(size > 10_000 for size in sizes.values())


def test_scene_holds_a_keyframed_walk(demo: Path) -> None:
    (scene,) = demo.glob("*.blend")
    bpy.ops.wm.open_mainfile(filepath=str(scene))
    (armature,) = (item for item in bpy.data.objects if item.type == "ARMATURE")
    assert armature.animation_data.action is not None
    places = []
    for frame in (bpy.context.scene.frame_start, bpy.context.scene.frame_end):
        bpy.context.scene.frame_set(frame)
        places.append(armature.matrix_world @ armature.pose.bones["pelvis"].head)
    assert (places[1] - places[0]).length > 0.3
