"""The build for Blender's extension platform, without the Full Backend, in a Blender of its own."""

import os
import subprocess
import sys
from pathlib import Path

import build

ENABLE = """
import sys
from unittest.mock import MagicMock
import bpy
name = "bl_ext.user_default.placid"
assert bpy.ops.preferences.addon_enable(module=name) == {"FINISHED"}
preferences = bpy.context.preferences.addons[name].preferences
from bl_ext.user_default.placid.features.backend import preferences as page
from bl_ext.user_default.placid.link import launch
box = MagicMock()
page._draw_setup(box, preferences)
drawn = [call.kwargs["text"] for call in box.mock_calls if call.kwargs.get("text")]
print("DRAWN", *drawn)
assert "set_up" not in dir(bpy.ops.placid)
# Of a build with the Full Backend, installed before.
preferences.full_backend = True
assert str(launch.backend_python()) == sys.executable
bpy.context.preferences.system.use_online_access = True
preferences.checkpoints = "/"
launch.BackendProcess = lambda command, *rest: command
assert "--allow-download" not in launch.launch()
launch.offers_full_backend = lambda: True
preferences.full_backend = False
assert "--allow-download" in launch.launch()
assert bpy.ops.preferences.addon_disable(module=name) == {"FINISHED"}
"""


def test_it_runs_the_instant_backend_and_offers_and_downloads_nothing_else(tmp_path: Path) -> None:
    build.stage_addon(tmp_path / "extensions" / "user_default", platform_build=True)
    done = subprocess.run(
        [sys.executable, "-c", ENABLE],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    (drawn,) = [line for line in done.stdout.splitlines() if line.startswith("DRAWN")]
    assert "instant backend runs in Blender's own Python" in drawn
    assert "Set Up" not in drawn
