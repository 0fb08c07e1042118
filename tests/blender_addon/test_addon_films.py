"""The process that films: real orders through real pipes."""

import ast
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sample_motions import walking_motion

from shared.errors import PlacidError
from shared.filming.orders import Failed, Film, Filmed, RenderSettings, Sheet
from shared.filming.process import RenderProcess, worker_command
from shared.motion.motion import save_motion

bpy = pytest.importorskip("bpy")

CHECKOUT = Path(__file__).parents[2]
FOLDERS = [CHECKOUT / "blender_addon", CHECKOUT]
LOOK = RenderSettings(width=64, height=36, fps=5)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    process = RenderProcess(worker_command(Path(sys.executable), True, FOLDERS), folder / "log")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("motions") / "walk.npz"
    save_motion(walking_motion(20), path)
    return str(path)


def _answer(process: RenderProcess, order, seconds: float = 300.0):
    process.send(order)
    deadline = time.monotonic() + seconds
    while (answer := process.poll(0.2)) is None:
        assert time.monotonic() < deadline
    return answer


def _pixels(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)
    bpy.data.images.remove(image)
    return pixels


def test_a_film_has_every_frame_at_the_given_rate(studio, walk, tmp_path):
    out = tmp_path / "walk.mp4"
    answer = _answer(studio, Film(walk, "placid", "auto", LOOK, str(out)))
    assert isinstance(answer, Filmed), answer
    assert "bones keyed" in answer.report
    clip = bpy.data.movieclips.load(str(out))
    assert tuple(clip.size) == (64, 36)
    assert clip.frame_duration == 5
    assert clip.fps == pytest.approx(5)
    bpy.data.movieclips.remove(clip)


def test_pictures_instead_of_a_film(studio, walk, tmp_path):
    look = RenderSettings(width=48, height=48, fps=2, format="png")
    out = tmp_path / "frames"
    assert isinstance(_answer(studio, Film(walk, "mixamo", "still", look, str(out))), Filmed)
    frames = sorted(out.iterdir())
    assert [frame.name for frame in frames] == ["0001.png", "0002.png"]
    assert _pixels(frames[0]).shape == (48, 48, 4)


def test_a_sheet_shows_different_moments_of_every_take(studio, walk, tmp_path):
    out = tmp_path / "sheet.png"
    look = RenderSettings(width=64, height=36, fps=10)
    answer = _answer(studio, Sheet((walk, walk), "placid", "side", look, str(out)))
    assert isinstance(answer, Filmed), answer
    pixels = _pixels(out)
    height, width = pixels.shape[:2]
    assert width == 6 * height / 2
    cells = [pixels[: height // 2, i * width // 6 : (i + 1) * width // 6] for i in range(6)]
    assert all(np.abs(a - b).max() > 0.1 for a, b in itertools.pairwise(cells))


def test_a_characters_file_is_used_and_left_alone(studio, walk, blank, tmp_path):
    armature = blank.character.armature.create_character(bpy.context)
    armature.name = "Hero"
    path = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    before = path.read_bytes()
    look = RenderSettings(width=32, height=32, fps=2, format="png")
    for number, rig in enumerate((f"{path}#Hero", f"{path}#")):
        order = Film(walk, rig, "front", look, str(tmp_path / f"frames{number}"))
        assert isinstance(_answer(studio, order), Filmed)
    assert path.read_bytes() == before
    answer = _answer(studio, Film(walk, f"{path}#Villain", "front", look, str(tmp_path / "no")))
    assert isinstance(answer, Failed)
    assert "no armature 'Villain' (it has: Hero)" in answer.message


def test_what_goes_wrong_is_answered_and_the_next_order_works(studio, walk, tmp_path):
    answer = _answer(studio, Film(str(tmp_path / "no.npz"), "placid", "auto", LOOK, "x.mp4"))
    assert isinstance(answer, Failed)
    assert "does not exist" in answer.message
    look = RenderSettings(width=32, height=32, fps=1, format="png")
    order = Film(walk, "placid", "auto", look, str(tmp_path / "frames"))
    assert isinstance(_answer(studio, order), Filmed)


def test_a_program_that_is_no_blender_is_a_sentence(tmp_path):
    (tmp_path / "blender").write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    (tmp_path / "blender").chmod(0o755)
    process = RenderProcess(worker_command(tmp_path / "blender", False, FOLDERS), tmp_path / "log")
    with pytest.raises(PlacidError, match=r"cannot film \(no display\); give another Blender"):
        _answer(process, Film("walk.npz", "placid", "auto", LOOK, "walk.mp4"))
    process.stop()
    with pytest.raises(PlacidError, match="cannot be started"):
        RenderProcess([str(tmp_path / "none")], tmp_path / "log")


def test_blender_films_in_a_profile_of_its_own(tmp_path, monkeypatch):
    """Without add-ons, Blender removes the libraries of extensions from the profile it runs in."""
    monkeypatch.setenv("BLENDER_USER_EXTENSIONS", str(tmp_path))
    script = (
        "import os, sys\n"
        "named = {k: v for k, v in os.environ.items() if k.startswith('BLENDER_')}\n"
        "print(named, file=sys.stderr)"
    )
    process = RenderProcess([sys.executable, "-c", script], tmp_path / "log")
    with pytest.raises(PlacidError, match="cannot film"):
        _answer(process, Film("walk.npz", "placid", "auto", LOOK, "walk.mp4"))
    profile = ast.literal_eval((tmp_path / "log").read_text())
    assert list(profile) == ["BLENDER_USER_RESOURCES"]
    assert Path(profile["BLENDER_USER_RESOURCES"]).is_dir()
    process.stop()
    deadline = time.monotonic() + 60.0
    while Path(profile["BLENDER_USER_RESOURCES"]).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_cycles_films_on_the_processor_alone(studio, walk, tmp_path):
    look = RenderSettings(engine="cycles", width=32, height=32, fps=1, samples=1, format="png")
    out = tmp_path / "frames"
    assert isinstance(_answer(studio, Film(walk, "placid", "auto", look, str(out))), Filmed)
    assert np.ptp(_pixels(out / "0001.png")[..., :3]) > 0.2


@pytest.mark.slow  # software needs minutes to prepare EEVEE
def test_eevee_films_with_light_and_shadow(studio, walk, tmp_path):
    look = RenderSettings(engine="eevee", width=32, height=32, fps=1, samples=1, format="png")
    out = tmp_path / "frames"
    order = Film(walk, "placid", "auto", look, str(out))
    assert isinstance(_answer(studio, order, 900.0), Filmed)
    assert np.ptp(_pixels(out / "0001.png")[..., :3]) > 0.2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere drivers cannot be hidden")
@pytest.mark.parametrize("engine", ["workbench", "eevee"])
def test_without_a_graphics_driver_another_engine_is_named(walk, tmp_path, monkeypatch, engine):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", os.devnull)
    command = worker_command(Path(sys.executable), True, FOLDERS)
    process = RenderProcess(command, tmp_path / "log")
    look = RenderSettings(engine=engine, width=32, height=32, fps=1, samples=1, format="png")
    with pytest.raises(PlacidError, match=rf"while filming with {engine} .*Cycles"):
        _answer(process, Film(walk, "placid", "auto", look, str(tmp_path / "frames")))
    process.stop()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_the_process_ends_with_its_parent(tmp_path):
    script = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path\n"
        "from shared.filming.process import RenderProcess, worker_command\n"
        f"folders = [Path({str(FOLDERS[0])!r}), Path({str(FOLDERS[1])!r})]\n"
        f"command = worker_command(Path(sys.executable), True, folders)\n"
        f"process = RenderProcess(command, Path({str(tmp_path / 'log')!r}))\n"
        "while not process._ready: process.poll(0.1)\n"
        "print(process._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < deadline, "the film process was left behind"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
