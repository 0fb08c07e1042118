"""Undo: one step a generation, none in the middle of a drag, and no take that undo loses."""

import pytest
from walks import played

bpy = pytest.importorskip("bpy")


@pytest.fixture
def steps(walking, monkeypatch) -> list[str]:
    """The undo steps that are pushed outside of operators; each is really pushed."""
    pushed = []

    def push(message: str) -> None:
        pushed.append(message)
        bpy.ops.ed.undo_push(message=message)

    monkeypatch.setattr(walking.core.arrivals, "push_undo", push)
    return pushed


def _begin(count: int, prompt: str = "a person walks") -> None:
    settings = bpy.context.scene.placid
    settings.prompt, settings.seconds, settings.take_count = prompt, 2.0, count
    assert bpy.ops.placid.generate() == {"FINISHED"}


def _run(placid, takes: int | None = None) -> None:
    """Tick until so many takes are there, or until all is over."""
    current = placid.core.runtime.get()
    for _ in range(600):
        if current.job is None or (takes and len(bpy.context.scene.placid.takes) >= takes):
            return
        current.tick(0.05)
    raise AssertionError("it takes too long")


def test_a_generation_is_one_step_however_many_takes_it_brings(walking, steps):
    bpy.ops.ed.undo_push(message="before")
    _begin(4)
    _run(walking)
    assert len(bpy.context.scene.placid.takes) == 4
    assert steps == ["Placid: a person walks and 3 more"]
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert len(bpy.context.scene.placid.takes) == 0
    assert bpy.ops.ed.redo() == {"FINISHED"}
    takes = bpy.context.scene.placid.takes
    assert len(takes) == 4
    assert played(takes[0].armature) == takes[0].action is not None


def test_accept_is_undone_by_one_step(walking, steps):
    _begin(1)
    _run(walking)
    assert bpy.ops.placid.accept_take() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Accept")  # what Blender does after an operator in its window
    assert len(steps) == 1
    bpy.ops.ed.undo()
    [take] = bpy.context.scene.placid.takes
    assert take.status == "NEW"
    assert played(take.armature) == take.action is not None


def test_what_the_user_undoes_meanwhile_takes_no_take_along(walking, steps):
    name = walking.character.armature.create_character(bpy.context).name
    bpy.ops.ed.undo_push(message="before")
    _begin(3, "slow walk")
    _run(walking, takes=1)
    lamp = bpy.data.objects.new("Lamp", None)
    bpy.context.scene.collection.objects.link(lamp)
    bpy.ops.ed.undo_push(message="Add lamp")
    _run(walking, takes=2)
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert len(bpy.context.scene.placid.takes) < 2
    _run(walking)
    takes = bpy.context.scene.placid.takes
    assert len(takes) == 3
    assert sorted(take.seed - min(t.seed for t in takes) for take in takes) == list(range(3))
    assert {take.armature.name for take in takes} == {name}
    assert "Lamp" not in bpy.data.objects


def test_a_take_that_the_user_deleted_does_not_come_back(walking, steps):
    walking.character.armature.create_character(bpy.context)
    _begin(3, "slow walk")
    _run(walking, takes=1)
    bpy.ops.placid.delete_take()
    bpy.ops.ed.undo_push(message="Delete")
    walking.core.runtime.get().tick()
    bpy.ops.ed.undo_push(message="something")
    bpy.ops.ed.undo()
    _run(walking)
    assert len(bpy.context.scene.placid.takes) == 2


def test_takes_wait_for_the_end_of_a_drag(walking, steps, monkeypatch):
    dragging = True
    monkeypatch.setattr(walking.core.arrivals, "is_dragging", lambda: dragging)
    _begin(3)
    current = walking.core.runtime.get()
    while current.session.jobs:
        current.tick(0.05)
    assert current.job is not None
    assert (len(bpy.context.scene.placid.takes), steps) == (0, [])
    dragging = False
    current.tick()
    assert current.job is None
    assert len(bpy.context.scene.placid.takes) == 3
    assert len(steps) == 1


def test_takes_that_wait_are_kept_when_the_backend_is_stopped(fresh_backend, monkeypatch):
    monkeypatch.setattr(fresh_backend.core.arrivals, "is_dragging", lambda: True)
    _begin(2)
    current = fresh_backend.core.runtime.get()
    while current.session.jobs:
        current.tick(0.05)
    current.stop_backend()
    assert len(bpy.context.scene.placid.takes) == 2
    assert current.job is None


def test_a_step_that_blender_refuses_loses_nothing(walking, monkeypatch):
    class Refusing:
        def undo_push(self, message: str) -> None:
            raise RuntimeError("context is incorrect")

    monkeypatch.setattr(bpy.ops, "ed", Refusing())
    monkeypatch.setattr(walking.core.arrivals, "has_window", lambda: True)
    _begin(2)
    _run(walking)
    assert len(bpy.context.scene.placid.takes) == 2
