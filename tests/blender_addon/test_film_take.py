"""One take as a film: a second Blender films what the character plays, this one goes on."""

import importlib
import sys
import time

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.fixture
def film_take(blank):
    module = importlib.import_module(f"{blank.__name__}.film_take")
    scene = bpy.context.scene
    scene.render.fps = 20
    scene.placid_batch.width, scene.placid_batch.height = 64, 36
    armature = blank.character.create_character(bpy.context)
    armature.name = "Hero"
    request = blank.shared.protocol.Generate("a person walks")
    blank.takes.add_take(scene, armature, request, walking_motion(20))
    scene.placid.take_index = 0
    yield module
    module.close()


def _until_done(film_take, seconds: float = 300.0) -> None:
    """What the timer does while Blender's window is open."""
    deadline = time.monotonic() + seconds
    while (film := film_take.current()) is not None:
        assert time.monotonic() < deadline
        film.tick()
        time.sleep(0.05)


def test_a_take_is_filmed_as_it_is_in_the_file(blank, film_take, tmp_path):
    """What the user changed in the action is filmed too; no other file is left beside the film."""
    scene = bpy.context.scene
    scene.placid_motion.start, scene.placid_motion.frame = "FRAME", 11
    bpy.ops.placid.retarget()
    scene.placid_batch.film = False
    path = tmp_path / "walk.mp4"
    before = bpy.data.filepath, set(bpy.data.objects)
    assert bpy.ops.placid.film_take(filepath=str(path)) == {"FINISHED"}
    assert not bpy.ops.placid.film_take.poll(), "one film at a time"
    _until_done(film_take)
    assert blank.runtime.get().notice is None
    assert (bpy.data.filepath, set(bpy.data.objects)) == before
    clip = bpy.data.movieclips.load(str(path))
    assert (tuple(clip.size), clip.frame_duration) == ((64, 36), 20)
    bpy.data.movieclips.remove(clip)
    assert list(tmp_path.iterdir()) == [path]


def test_a_film_that_is_cancelled_leaves_nothing(blank, film_take, tmp_path):
    assert not bpy.ops.placid.cancel_film.poll()
    bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4"))
    assert bpy.ops.placid.cancel_film() == {"FINISHED"}
    assert film_take.current() is None
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_is_said(blank, film_take, tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="choose another folder"):
        bpy.ops.placid.film_take(filepath=str(tmp_path / "nowhere" / "walk.mp4"))
    command = [sys.executable, "-c", "raise SystemExit('no display')"]
    monkeypatch.setattr(film_take, "start_films", lambda: _process(blank, command, tmp_path))
    bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4"))
    _until_done(film_take)
    assert "no display" in blank.runtime.get().notice.message
    bpy.ops.placid.reject_take()
    assert not bpy.ops.placid.film_take.poll()


def _process(blank, command, folder):
    module = importlib.import_module(f"{blank.__name__}.shared.render_process")
    return module.RenderProcess(command, folder / "log")
