"""One take as a film: a second Blender films what the character plays, this one goes on."""

import importlib
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from sample_motions import walking_motion

from shared.filming.orders import Filmed

bpy = pytest.importorskip("bpy")


@pytest.fixture
def film_take(blank):
    module = importlib.import_module(f"{blank.__name__}.features.film.job")
    scene = bpy.context.scene
    scene.render.fps = 20
    scene.placid_batch.width, scene.placid_batch.height = 64, 36
    armature = blank.character.armature.create_character(bpy.context)
    armature.name = "Hero"
    request = blank.shared.protocol.messages.Generate("a person walks")
    blank.core.takes.add_take(scene, armature, request, walking_motion(20))
    scene.placid.take_index = 0
    yield module
    module.close()


def _until(condition, seconds: float = 60.0) -> None:
    """What is removed in the background is gone soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


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
    assert blank.core.runtime.get().notice is None
    assert (bpy.data.filepath, set(bpy.data.objects)) == before
    clip = bpy.data.movieclips.load(str(path))
    assert (tuple(clip.size), clip.frame_duration) == ((64, 36), 20)
    bpy.data.movieclips.remove(clip)
    _until(lambda: list(tmp_path.iterdir()) == [path])


def _state(scene) -> tuple:
    """All that filming could change for the user."""
    settings, armature = scene.placid, bpy.data.objects["Hero"]
    data, end = armature.animation_data, (scene.frame_end, settings.own_end, settings.lent_end)
    tracks = [(track.name, track.mute, track.is_solo) for track in data.nla_tracks]
    bpy.context.view_layer.update()
    pose = np.array([bone.matrix_basis for bone in armature.pose.bones]).round(5).tolist()
    takes = [(take.status, take.action, take.before) for take in settings.takes]
    slot = data.action_slot if hasattr(data, "action_slot") else None
    return data.action, slot, tracks, pose, end, settings.take_index, takes


class _Copied:
    """In place of the second Blender: looks into the copy that it would film."""

    def send(self, order) -> None:
        path, _, name = order.rig.partition("#")
        with bpy.data.libraries.load(path) as (_there, wanted):
            wanted.objects = [name]
        [armature] = wanted.objects
        self.action = armature.animation_data.action.name
        bpy.data.batch_remove([armature.animation_data.action, armature])

    def poll(self) -> None:
        return None

    def stop(self, afterwards) -> None:
        afterwards()


@pytest.mark.parametrize("playing", ["a strip", "a strip and an action", "nothing"])
def test_a_take_that_is_not_the_active_action_is_filmed_and_the_scene_stays_as_it_is(
    blank, film_take, tmp_path, monkeypatch, playing
):
    scene, armature = bpy.context.scene, bpy.data.objects["Hero"]
    take = scene.placid.takes[0]
    bpy.ops.placid.push_to_nla()
    data = armature.animation_data
    if playing == "a strip and an action":
        blank.retargeting.slots.assign_action(armature, bpy.data.actions.new("Other"))
    elif playing == "nothing":
        data.nla_tracks.remove(data.nla_tracks[0])
    armature.pose.bones["head"].location = 0.1, 0.2, 0.3
    before = _state(scene)
    copied = _Copied()
    monkeypatch.setattr(film_take, "start_films", lambda: copied)
    assert bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4")) == {"FINISHED"}
    assert copied.action.startswith(take.action.name)
    assert _state(scene) == before
    film_take.close()
    with pytest.raises(RuntimeError, match="choose a folder that exists"):
        bpy.ops.placid.film_take(filepath=str(tmp_path / "nowhere" / "walk.mp4"))
    assert _state(scene) == before


def test_a_take_without_an_action_is_not_filmed_before_it_is_baked_anew(film_take):
    bpy.data.actions.remove(bpy.context.scene.placid.takes[0].action)
    assert not bpy.ops.placid.film_take.poll()
    bpy.ops.placid.show_take()
    assert bpy.ops.placid.film_take.poll()


def test_a_film_that_is_cancelled_leaves_nothing(blank, film_take, tmp_path):
    assert not bpy.ops.placid.cancel_film.poll()
    bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4"))
    assert bpy.ops.placid.cancel_film() == {"FINISHED"}
    assert film_take.current() is None
    _until(lambda: not list(tmp_path.iterdir()))


def test_a_finished_film_is_said_and_the_panel_is_redrawn_for_what_changes(
    blank, film_take, tmp_path, monkeypatch
):
    drawn = []
    monkeypatch.setattr(blank.core.runtime, "redraw", lambda: drawn.append(_film_lines(blank)))
    made = _Made()
    monkeypatch.setattr(film_take, "start_films", lambda: made)
    opened = []
    operators = importlib.import_module(f"{blank.__name__}.features.film.operators")
    monkeypatch.setattr(operators, "open_in_system", opened.append)
    bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4"))
    assert film_take._on_timer() == film_take._on_timer() == film_take.TICK_SECONDS
    assert not drawn
    made.progress = 0.4
    assert film_take._on_timer() == film_take.TICK_SECONDS
    assert len(drawn) == 1
    drawn.clear()
    assert not bpy.ops.placid.open_film_folder.poll()
    made.answer = Filmed("")
    assert film_take._on_timer() is None
    assert drawn == ["Filmed a person walks: walk.mp4"]
    assert bpy.ops.placid.open_film_folder() == {"FINISHED"}
    assert opened == [tmp_path]
    film_take._on_timer()
    assert len(drawn) == 1
    bpy.ops.placid.film_take(filepath=str(tmp_path / "other.mp4"))
    assert film_take.finished() is None, "the next one is being made"


class _Made:
    """In place of the second Blender: the film is there when the test says so."""

    answer = None
    progress = fraction = 0.0

    def send(self, order) -> None:
        Path(order.out).touch()

    def poll(self):
        self.fraction = self.progress
        return self.answer

    def stop(self, afterwards) -> None:
        afterwards()


def _film_lines(blank) -> str:
    """What the panel says of the film, beside its button."""
    panel = importlib.import_module(f"{blank.__name__}.features.takes.panel")
    layout = MagicMock()
    panel._draw_film(layout, 80)
    return " ".join(call.kwargs["text"] for call in layout.row().column().label.call_args_list)


def test_what_goes_wrong_is_said(blank, film_take, tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="choose a folder that exists"):
        bpy.ops.placid.film_take(filepath=str(tmp_path / "nowhere" / "walk.mp4"))
    command = [sys.executable, "-c", "raise SystemExit('no display')"]
    monkeypatch.setattr(film_take, "start_films", lambda: _process(blank, command, tmp_path))
    bpy.ops.placid.film_take(filepath=str(tmp_path / "walk.mp4"))
    _until_done(film_take)
    assert "no display" in blank.core.runtime.get().notice.message
    bpy.ops.placid.reject_take()
    assert not bpy.ops.placid.film_take.poll()


def _process(blank, command, folder):
    module = importlib.import_module(f"{blank.__name__}.shared.filming.process")
    return module.RenderProcess(command, folder / "log")
