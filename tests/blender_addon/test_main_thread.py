"""Blender's main thread waits for nobody, and what fails on it takes nothing else along.

What would wait for ever here runs into the test's own time limit.
"""

import importlib
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy")

PATIENCE = 60.0


@pytest.fixture
def stuck(monkeypatch):
    """Lets a function of a library take until the test is over; tells who called it."""
    release = threading.Event()
    callers: list[str] = []

    def make(target: object, name: str) -> list[str]:
        real = getattr(target, name)

        def slow(*arguments, **options):
            callers.append(threading.current_thread().name)
            release.wait(PATIENCE)
            return real(*arguments, **options)

        monkeypatch.setattr(target, name, slow)
        return callers

    yield make
    release.set()


def _settle(placid, condition) -> None:
    """What the timer does while Blender's window is open."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        placid.core.runtime.get().tick(0.02)


def _generate(placid, prompt: str, **values):
    settings = bpy.context.scene.placid
    for name, value in {"prompt": prompt, "seconds": 1.0, **values}.items():
        setattr(settings, name, value)
    assert bpy.ops.placid.generate() == {"FINISHED"}
    return placid.core.runtime.get().job


def test_a_backend_that_does_not_die_holds_nobody_up(fresh_backend, stuck):
    current = fresh_backend.core.runtime.get()
    _generate(fresh_backend, "slow walk")
    _settle(fresh_backend, lambda: current.job.stage != "starting")
    callers = stuck(subprocess.Popen, "wait")
    assert bpy.ops.placid.stop_backend() == {"FINISHED"}
    assert (current.job, current.session.state) == (None, "stopped")
    _generate(fresh_backend, "a person walks")
    _settle(fresh_backend, lambda: current.job is None)
    assert len(bpy.context.scene.placid.takes) == 1
    assert "MainThread" not in callers


def test_the_extension_can_be_disabled_while_the_backend_does_not_answer(fresh_backend, stuck):
    current = fresh_backend.core.runtime.get()
    _generate(fresh_backend, "slow walk")
    _settle(fresh_backend, lambda: current.job.stage != "starting")
    callers = stuck(subprocess.Popen, "wait")
    fresh_backend.core.runtime.unregister()
    assert "MainThread" not in callers


def test_disabling_the_extension_ends_a_batch_and_leaves_nothing_behind(fresh_backend, tmp_path):
    module = fresh_backend.__name__
    batch_run = importlib.import_module(f"{module}.features.batch.run")
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds\nslow walk,1\n")
    batch_run.start(table, tmp_path / "results", None)
    run = batch_run.current()
    timer = fresh_backend.core.runtime.get().scheduler._timer
    _settle(fresh_backend, lambda: (run.tick(), run.state == "running")[1])
    assert bpy.ops.preferences.addon_disable(module=module) == {"FINISHED"}
    try:
        assert (run.state, batch_run.current()) == ("paused", None)
        assert fresh_backend.core.runtime._runtime is None
        assert not bpy.app.timers.is_registered(timer)
    finally:
        assert bpy.ops.preferences.addon_enable(module=module) == {"FINISHED"}


@pytest.fixture
def setup_steps(placid, monkeypatch, tmp_path):
    """Begins set-ups that run a line of Python instead of venv and pip."""
    requirements = tmp_path / "requirements.txt"
    for name in ("", "-torch", "-torch-cpu", "-torch-cuda", "-cuda"):
        requirements.with_name(f"requirements{name}.txt").write_text("# nothing\n")

    def begin(line: str):
        step = placid.link.environment._Step("A step", [sys.executable, "-c", line])
        monkeypatch.setattr(placid.link.environment.Setup, "_plan", lambda self: [step])
        places = tmp_path / "environment", requirements, tmp_path / "setup.log"
        return placid.link.environment.Setup(*places)

    return begin


def test_an_old_environment_of_any_size_holds_nobody_up(setup_steps, stuck, tmp_path):
    for name in ("environment", "environment-unfinished", "environment-downloads"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
    callers = stuck(shutil, "rmtree")
    setup = setup_steps(f"import os; os.mkdir({str(tmp_path / 'environment-unfinished')!r})")
    deadline = time.monotonic() + PATIENCE
    while not setup.poll():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [path.name for path in (tmp_path / "environment").iterdir()] == ["complete"]
    assert callers, "what was there is being removed"
    assert "MainThread" not in callers


def test_a_tool_that_does_not_end_can_be_cancelled(setup_steps, stuck):
    setup = setup_steps("import time; time.sleep(600)")
    callers = stuck(subprocess.Popen, "wait")
    setup.cancel()
    assert "MainThread" not in callers


def test_a_set_up_that_fails_in_an_unforeseen_way_is_over(blank, setup_steps, monkeypatch):
    current = blank.core.runtime.get()
    current.setup = setup_steps("import time; time.sleep(600)")

    def fail(_self):
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(blank.link.environment.Setup, "poll", fail)
    for _ in range(5):
        current.tick()
    assert current.setup is None
    assert len(current.tracebacks) == 1
    assert current.notice.code == "internal"


def test_ten_thousand_equal_prompts_are_checked_in_steps(walking, tmp_path):
    """`benchmarks/blender_stall.py` measures the steps; here they only have to be many."""
    batch_run = importlib.import_module(f"{walking.__name__}.features.batch.run")
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds\n" + "a person walks,1\n" * 10_000)
    batch_run.start(table, tmp_path / "results", None)
    run, ticks = batch_run.current(), 0
    deadline = time.monotonic() + PATIENCE
    while run.state == "starting":
        assert time.monotonic() < deadline
        walking.core.runtime.get().tick(0.0)
        run.tick()
        ticks += 1
    assert run.state == "running"
    assert run.batch.total == 10_000
    assert ticks > 10
    batch_run.close()


def test_one_row_is_one_step(tmp_path):
    from bl_ext.user_default.placid.shared.batch.steps import Work
    from bl_ext.user_default.placid.shared.batch.table import read_table_in_steps

    table = tmp_path / "table.csv"
    table.write_text("prompt\n" + "a person walks\n" * 50)
    work, steps = Work(read_table_in_steps(table)), 0
    while not work.advance(0.0):
        steps += 1
    assert steps >= 50
    assert len({row.output for row in work.result.rows}) == 50


def test_pausing_a_batch_does_not_wait_for_the_disk(walking, stuck, tmp_path):
    batch_run = importlib.import_module(f"{walking.__name__}.features.batch.run")
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds\na person walks,1\nslow walk,1\n")
    batch_run.start(table, tmp_path / "results", None)
    run = batch_run.current()
    _settle(walking, lambda: (run.tick(), run.batch)[1] is not None)
    callers = stuck(type(run.batch), "keep_take")
    _settle(walking, lambda: (run.tick(), callers)[1])
    run.pause()
    assert (run.state, run.closed) == ("paused", False)
    assert "MainThread" not in callers


def test_progress_of_a_batch_never_falls(walking, tmp_path):
    batch_run = importlib.import_module(f"{walking.__name__}.features.batch.run")
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds,takes\n" + "a brisk walk,1,3\n" * 3)
    batch_run.start(table, tmp_path / "results", None)
    run, seen = batch_run.current(), []
    _settle(walking, lambda: (run.tick(), seen.append(run.fraction), not run.active)[2])
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    batch_run.close()


class TestFailuresStayApart:
    """One event, listener, take or tick that fails takes nothing else along."""

    def test_one_take_that_cannot_be_kept_costs_neither_the_others_nor_the_end(
        self, walking, monkeypatch
    ):
        real, calls = walking.core.takes.add_take, []

        def bad(*arguments, **options):
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("a bad take")
            return real(*arguments, **options)

        monkeypatch.setattr(walking.core.takes, "add_take", bad)
        current = walking.core.runtime.get()
        job = _generate(walking, "a person walks", take_count=3)
        # Blender was busy for a while, with a render for example: all comes in one poll.
        time.sleep(1.0)
        _settle(walking, lambda: current.job is None)
        assert job.over
        assert len(bpy.context.scene.placid.takes) == 2
        assert bpy.ops.placid.generate.poll()
        assert "a bad take" in current.notice.message

    def test_a_listener_that_fails_costs_nobody_else_an_event(self, walking):
        current, heard = walking.core.runtime.get(), []

        def fail(_event):
            raise KeyError("a bad listener")

        current.listeners += [fail, heard.append]
        _generate(walking, "a person walks", take_count=1)
        _settle(walking, lambda: current.job is None)
        current.listeners.clear()
        assert len(bpy.context.scene.placid.takes) == 1
        assert "Done" in [type(event).__name__ for event in heard]

    def test_an_undo_step_that_is_refused_costs_no_take(self, walking, monkeypatch):
        def refuse(*_):
            raise RuntimeError("Operator bpy.ops.ed.undo_push.poll() failed")

        monkeypatch.setattr(walking.core.arrivals, "push_undo", refuse)
        current = walking.core.runtime.get()
        walking.character.armature.create_character(bpy.context)
        _generate(walking, "a person walks", take_count=2)
        _settle(walking, lambda: current.job is None)
        assert len(bpy.context.scene.placid.takes) == 2

    def test_what_fails_at_every_tick_is_told_once(self, blank, monkeypatch):
        current = blank.core.runtime.get()

        def fail(*_):
            raise ZeroDivisionError("nobody thought of it")

        monkeypatch.setattr(current.session, "poll", fail)
        for _ in range(200):
            current.tick()
        assert len(current.tracebacks) == 1
        assert "nobody thought of it" in current.notice.message

    def test_a_script_that_runs_out_of_time_leaves_the_users_generation_alone(self, walking):
        current = walking.core.runtime.get()
        own = _generate(walking, "a brisk walk", take_count=4)
        with pytest.raises(walking.shared.errors.PlacidError) as caught:
            walking.generate_blocking("slow walk", timeout=0.0)
        assert caught.value.code == "timed_out"
        assert not own.cancelling
        _settle(walking, lambda: current.job is None)
        assert own.error is None
        assert len(own.takes) == 4

    def test_a_request_that_is_refused_ends_its_own_row_only(self, walking, tmp_path, monkeypatch):
        batch_run = importlib.import_module(f"{walking.__name__}.features.batch.run")
        session, error = walking.core.runtime.session(), walking.shared.errors.PlacidError
        real = type(session).submit

        def submit(self, request, motion=None):
            if "huge" in request.prompt:
                raise error("too_large", "the request takes 9 MB; shorten it")
            return real(self, request, motion)

        monkeypatch.setattr(type(session), "submit", submit)
        table = tmp_path / "table.csv"
        table.write_text("prompt,seconds\na huge walk,1\na person walks,1\n")
        batch_run.start(table, tmp_path / "results", None)
        run = batch_run.current()
        _settle(walking, lambda: (run.tick(), not run.active)[1])
        assert run.state == "done"
        assert run.batch.failures[1].code == "too_large"
        assert len(list(Path(tmp_path / "results").glob("*.npz"))) == 1
        batch_run.close()
