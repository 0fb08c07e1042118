"""The Batch panel's run: through the session, step by step, paused, resumed and killed under it."""

import importlib
import sys
import time
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy")


@pytest.fixture
def batch_run(blank):
    module = importlib.import_module(f"{blank.__name__}.features.batch.run")
    yield module
    module.close()


def _table(folder, *rows: str):
    path = folder / "table.csv"
    path.write_text("\n".join(["prompt,seconds,takes,seed", *rows]) + "\n")
    settings = bpy.context.scene.placid_batch
    settings.table, settings.film = str(path), False
    return folder / "table-results"


def _until(placid, batch_run, condition, seconds: float = 60.0):
    """What the timer does while Blender's window is open."""
    deadline = time.monotonic() + seconds
    while not condition(batch_run.current()):
        run = batch_run.current()
        assert time.monotonic() < deadline, (run.state, run.stage, run.error)
        placid.core.runtime.get().tick(0.01)
        run.tick()


def test_every_row_is_made_and_the_panel_can_tell_how_far_it_is(walking, batch_run, tmp_path):
    out = _table(tmp_path, "a person walks,1,2,5", "a person turns,1,1,0")
    assert bpy.ops.placid.start_batch() == {"FINISHED"}
    assert not bpy.ops.placid.start_batch.poll(), "one batch at a time"
    seen = []
    _until(walking, batch_run, lambda run: seen.append(run.fraction) or not run.active)
    run = batch_run.current()
    assert (run.state, run.error) == ("done", None)
    assert (run.batch.done, run.batch.total) == (3, 3)
    assert any(0.0 < fraction < 1.0 for fraction in seen)
    names = sorted(path.name for path in out.glob("*.npz"))
    assert names == ["a-person-turns-0.npz", "a-person-walks-5.npz", "a-person-walks-6.npz"]
    assert len(list(out.glob("*.bvh"))) == 3
    assert not bpy.context.scene.placid.takes, "the file is not filled with them"


def test_a_row_that_the_model_does_not_know_is_told_and_made(walking, batch_run, tmp_path):
    _table(tmp_path, "a person walks,1,1,5", "a person plays golf,1,2,0")
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active)
    run = batch_run.current()
    assert run.batch.done == 3
    assert run.doubts == {2: "Placid does not know 'golf'; nearest: 'swings a racket'"}


def test_the_panel_tells_which_rows_leave_violence_free(walking, batch_run, tmp_path):
    path = tmp_path / "table.csv"
    rows = ["a person walks,1,", "a person walks,1,kick", "a person walks,1,"]
    path.write_text("\n".join(["prompt,seconds,concept", *rows]) + "\n")
    settings = bpy.context.scene.placid_batch
    settings.table, settings.film = str(path), False
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active or run.batch is not None)
    assert batch_run.current().forgetting == [
        "row 2: forgets kick; other violence (guns, martial_arts, punch, weapons) is free"
    ]


def test_pause_stops_and_resume_makes_only_the_rest(walking, batch_run, tmp_path):
    out = _table(tmp_path, *(f"a person walks slow {n},1,1,{n}" for n in range(3)))
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: run.batch is not None and run.batch.done == 1)
    assert bpy.ops.placid.pause_batch() == {"FINISHED"}
    assert batch_run.current().state == "paused"
    first = next(out.glob("*.npz"))
    when = first.stat().st_mtime_ns
    assert bpy.ops.placid.start_batch() == {"FINISHED"}
    _until(walking, batch_run, lambda run: run.batch is not None)
    assert batch_run.current().batch.done == 1
    _until(walking, batch_run, lambda run: not run.active)
    assert batch_run.current().state == "done"
    assert len(list(out.glob("*.npz"))) == 3
    assert first.stat().st_mtime_ns == when


def test_the_panels_own_generation_goes_on_beside_a_batch(walking, batch_run, tmp_path):
    _table(tmp_path, "a person walks,1,1,5")
    settings = bpy.context.scene.placid
    settings.prompt, settings.seconds = "a person walks", 1.0
    bpy.ops.placid.start_batch()
    bpy.ops.placid.generate()
    _until(walking, batch_run, lambda run: not run.active and not walking.core.runtime.get().job)
    assert batch_run.current().state == "done"
    assert len(settings.takes) == 1


def test_a_row_the_backend_fails_on_is_told_and_the_others_are_made(walking, batch_run, tmp_path):
    out = _table(tmp_path, "refused,1,1,0", "a person walks,1,1,0")
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active)
    run = batch_run.current()
    assert run.state == "done"
    assert "no floor" in run.batch.failures[1].message
    assert (out / "a-person-walks-0.npz").is_file()


def test_a_bad_table_is_refused_as_a_whole(walking, batch_run, tmp_path):
    out = _table(tmp_path, "a person walks,1,1,0", "a person walks,many,1,0")
    with pytest.raises(RuntimeError, match="row 2, column seconds, value 'many'"):
        bpy.ops.placid.start_batch()
    _table(tmp_path, "a person walks,99,many,0", "a person walks,99,1,0")
    with pytest.raises(RuntimeError, match=r"row 1, column seconds.*row 1, column takes.*row 2"):
        bpy.ops.placid.start_batch()
    assert not out.exists()


def test_what_only_the_backend_knows_is_told_when_it_has_started(
    fresh_backend, batch_run, tmp_path
):
    out = _table(tmp_path, "a person walks,1,1,0", "a person walks,99,1,0")
    fresh_backend.core.runtime.get().stop_backend()
    bpy.ops.placid.start_batch()
    _until(fresh_backend, batch_run, lambda run: not run.active)
    assert "row 2, column seconds" in batch_run.current().error.message
    assert not out.exists()


def test_a_dead_backend_pauses_the_batch_and_resume_restarts_it(fresh_backend, batch_run, tmp_path):
    _table(tmp_path, "a person walks,1,1,0", "a person walks slow,1,1,0")
    bpy.ops.placid.start_batch()
    _until(fresh_backend, batch_run, lambda run: "slow" in run.stage)
    fresh_backend.core.runtime.get().session._process._process.kill()
    _until(fresh_backend, batch_run, lambda run: not run.active)
    run = batch_run.current()
    assert run.state == "paused"
    assert run.error.code == "backend_lost"
    bpy.ops.placid.start_batch()
    _until(fresh_backend, batch_run, lambda run: not run.active)
    assert (batch_run.current().state, batch_run.current().batch.done) == ("done", 2)


def test_the_audit_of_a_result_is_in_the_take_that_is_loaded(walking, batch_run, tmp_path):
    out = _table(tmp_path, "a person does a kick,1,1,5", "a person walks,1,1,6")
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active)
    for name in ("a-person-does-a-kick-5.npz", "a-person-walks-6.npz", "a-person-walks-6.bvh"):
        assert bpy.ops.placid.load_motion(filepath=str(out / name)) == {"FINISHED"}
    audits, takes = walking.core.audits, bpy.context.scene.placid.takes
    answers = [audits.answer(take) for take in takes]
    assert answers == ["found", "none", None], "nobody looked at what is in a BVH"
    [strike] = audits.strikes(bpy.context.scene, takes[0])
    assert "kick" in strike.sentence


def test_a_result_can_be_loaded_as_a_take(walking, batch_run, tmp_path):
    out = _table(tmp_path, "a person walks,1,1,5")
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active)
    assert bpy.ops.placid.load_motion(filepath=str(out / "a-person-walks-5.npz")) == {"FINISHED"}
    [take] = bpy.context.scene.placid.takes
    assert (take.prompt, take.seed) == ("a person walks", 5)
    assert take.armature.animation_data.action == take.action
    assert bpy.ops.placid.load_motion(filepath=str(out / "a-person-walks-5.bvh")) == {"FINISHED"}
    assert len(bpy.context.scene.placid.takes) == 2


@pytest.mark.parametrize(
    ("program", "started"),
    [("", (sys.executable, True)), ("/opt/blender", ("/opt/blender", False))],
)
def test_films_are_made_by_a_blender_like_this_one(batch_run, monkeypatch, program, started):
    """Blender 4.2 to 4.4 have no `bpy.app.module` that tells what this one is."""
    monkeypatch.setattr(batch_run, "bpy", SimpleNamespace(app=SimpleNamespace(binary_path=program)))
    monkeypatch.setattr(batch_run, "worker_command", lambda *given: given)
    monkeypatch.setattr(batch_run, "RenderProcess", lambda command, log: command)
    path, is_python, _folders = batch_run.start_films()
    assert (str(path), is_python) == started


@pytest.mark.slow
def test_films_are_made_by_a_second_blender(walking, batch_run, tmp_path):
    out = _table(tmp_path, "a person walks,1,1,5")
    settings = bpy.context.scene.placid_batch
    settings.film, settings.width, settings.height = True, 64, 36
    bpy.context.scene.render.fps = 4
    bpy.ops.placid.start_batch()
    _until(walking, batch_run, lambda run: not run.active, 200)
    assert (batch_run.current().state, batch_run.current().batch.done) == ("done", 3)
    assert (out / "a-person-walks-5.mp4").stat().st_size > 500
    assert (out / "a-person-walks-sheet.png").is_file()
