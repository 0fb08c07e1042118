"""One timer for all that the extension looks after from time to time."""

import bpy
import pytest


@pytest.fixture
def scheduler(placid):
    scheduler = placid.core.scheduler.Scheduler()
    yield scheduler
    scheduler.close()
    assert not bpy.app.timers.is_registered(scheduler._timer)


@pytest.fixture
def clock(placid, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(placid.core.scheduler.time, "monotonic", lambda: now[0])
    return now


def test_each_tick_is_called_when_it_is_due_and_as_it_says(scheduler, clock):
    called = []

    def often():
        called.append("often")
        return 0.1

    def once():
        called.append("once")

    scheduler.start(often, 0.1)
    scheduler.start(once, 0.25)
    assert scheduler.call_due() == pytest.approx(0.1)
    assert called == []
    clock[0] += 0.1
    assert scheduler.call_due() == pytest.approx(0.1)
    assert called == ["often"]
    clock[0] += 0.2
    assert scheduler.call_due() == pytest.approx(0.1)
    assert called == ["often", "often", "once"]
    assert scheduler.is_waiting(often)
    assert not scheduler.is_waiting(once)
    scheduler.stop(often)
    assert scheduler.call_due() is None
    assert not bpy.app.timers.is_registered(scheduler._timer)


def test_what_is_started_twice_waits_once(scheduler, clock):
    called = []
    tick = lambda: called.append(1)  # noqa: E731
    scheduler.start(tick, 0.1)
    scheduler.start(tick, 5.0)
    clock[0] += 0.1
    assert scheduler.call_due() is None
    assert called == [1]


def test_a_tick_that_fails_ends_no_other(scheduler, clock):
    def broken():
        raise RuntimeError("broken")

    def fine():
        return 0.5

    scheduler.start(broken, 0.1)
    scheduler.start(fine, 0.1)
    clock[0] += 0.1
    assert scheduler.call_due() == pytest.approx(0.5)
    assert not scheduler.is_waiting(broken)


def test_a_tick_may_stop_and_start_others(scheduler, clock):
    called = []

    def last():
        called.append("last")

    def first():
        scheduler.stop(last)
        scheduler.start(again, 0.0)

    def again():
        called.append("again")

    scheduler.start(first, 0.1)
    scheduler.start(last, 0.1)
    clock[0] += 0.1
    scheduler.call_due()
    scheduler.call_due()
    assert called == ["again"]
