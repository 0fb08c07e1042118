"""Prompts as blocks of a list: their lengths, seams and order, dragged, redone one by one."""

import importlib
import time
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy")


@pytest.fixture
def settings(walking):
    """Three prompts of 2, 3 and 4 seconds, from frame 1 at 20 frames a second."""
    scene = bpy.context.scene
    scene.render.fps = 20
    settings = scene.placid_timeline
    for prompt, seconds in (("walk", 2.0), ("bow", 3.0), ("wave", 4.0)):
        strip = settings.strips.add()
        strip.prompt, strip.seconds = prompt, seconds
    return settings


def _module(placid, name: str):
    return importlib.import_module(f"{placid.__name__}.features.timeline.{name}")


def _prompts(settings) -> list[str]:
    return [strip.prompt for strip in settings.strips]


def _run(placid):
    current = placid.core.runtime.get()
    deadline = time.monotonic() + 60
    while current.job is not None:
        assert time.monotonic() < deadline
        current.tick(0.05)


def test_lengths_are_told_and_set_in_frames_too(settings):
    assert [strip.frames for strip in settings.strips] == [40, 60, 80]
    bpy.context.scene.render.fps = 30
    settings.strips[0].frames = 45
    assert settings.strips[0].seconds == pytest.approx(1.5)


def test_seams_reach_the_request(walking, settings):
    settings.strips[1].seam = 1.6
    segments = _module(walking, "settings").segments_of(settings)
    assert [(s.prompt, s.seconds, round(s.seam, 3)) for s in segments] == [
        ("walk", 2.0, 0.8),
        ("bow", 3.0, 1.6),
        ("wave", 4.0, 0.8),
    ]


def test_an_end_is_dragged_for_the_length(walking, settings):
    band, drags = _module(walking, "block_band"), _module(walking, "drag_blocks")
    scene = bpy.context.scene
    spans = band.spans_of(scene)
    assert spans == [(1, 41), (41, 101), (101, 181)]
    grip = band.grip_at(spans, 103.0, 3.0)
    assert (grip.index, grip.part) == (1, "end")
    drags.drag(scene, grip, 121.3)
    assert settings.strips[1].frames == 80
    assert band.spans_of(scene)[2] == (121, 201), "what follows is not made shorter"
    drags.drag(scene, grip, 0.0)
    assert settings.strips[1].seconds == 1.0, "the shortest that can be asked for"


def test_a_block_is_dragged_to_another_place(walking, settings):
    band, drags = _module(walking, "block_band"), _module(walking, "drag_blocks")
    scene = bpy.context.scene
    grip = band.grip_at(band.spans_of(scene), 60.0, 3.0)
    assert (grip.index, grip.part) == (1, "body")
    settings.strip_index = 1
    drags.drag(scene, grip, 90.0)
    assert _prompts(settings) == ["walk", "bow", "wave"]
    drags.drag(scene, grip, 150.0)
    assert _prompts(settings) == ["walk", "wave", "bow"]
    drags.drag(scene, band.Grip(settings.strip_index, "body"), 10.0)
    assert _prompts(settings) == ["bow", "walk", "wave"]
    assert settings.strip_index == 0
    assert band.grip_at(band.spans_of(scene), 500.0, 3.0) is None


def test_a_drag_with_the_mouse_and_one_that_is_given_up(walking, settings):
    operator = _module(walking, "drag_blocks").PLACID_OT_drag_block
    area = SimpleNamespace(header_text_set=lambda text: None)
    view = SimpleNamespace(region_to_view=lambda x, y: (x / 10.0, y))
    context = SimpleNamespace(
        scene=bpy.context.scene,
        area=area,
        region=SimpleNamespace(view2d=view, height=120),
        preferences=bpy.context.preferences,
        window_manager=SimpleNamespace(modal_handler_add=lambda operator: None),
    )
    height = sum(_module(walking, "draw_blocks").band(context)) / 2

    def event(kind, x, value="PRESS", y=height):
        return SimpleNamespace(type=kind, value=value, mouse_region_x=x, mouse_region_y=y)

    held = SimpleNamespace()
    for name in ("_frame", "_tell", "_put_back"):
        setattr(held, name, getattr(operator, name).__get__(held))
    press, move = operator.invoke.__get__(held), operator.modal.__get__(held)
    assert press(context, event("LEFTMOUSE", 410, y=1000)) == {"PASS_THROUGH"}
    assert press(context, event("LEFTMOUSE", 410)) == {"RUNNING_MODAL"}
    move(context, event("MOUSEMOVE", 610))
    assert move(context, event("LEFTMOUSE", 610, "RELEASE")) == {"FINISHED"}
    assert settings.strips[0].frames == 60
    assert press(context, event("LEFTMOUSE", 300)) == {"RUNNING_MODAL"}
    move(context, event("MOUSEMOVE", 1900))
    assert _prompts(settings) == ["bow", "wave", "walk"]
    assert move(context, event("ESC", 1900)) == {"CANCELLED"}
    assert _prompts(settings) == ["walk", "bow", "wave"]


def test_one_prompt_of_a_take_is_redone(walking, settings, monkeypatch):
    scene = bpy.context.scene
    assert not bpy.ops.placid.redo_block.poll(), "there is no take yet"
    assert bpy.ops.placid.generate_timeline() == {"FINISHED"}
    _run(walking)
    take = scene.placid.takes[0]
    assert take.block_count == 3
    sent = []
    session = walking.core.runtime.get().session
    submit = session.submit
    monkeypatch.setattr(
        session,
        "submit",
        lambda request, motion=None: sent.append(request) or submit(request, motion),
    )
    settings.strip_index = 1
    settings.strips[1].prompt = "crouch"
    assert bpy.ops.placid.redo_block() == {"FINISHED"}
    _run(walking)
    assert (sent[0].prompt, sent[0].frames) == ("crouch", ((40, 100),))
    redone = scene.placid.takes[1]
    assert redone.block_count == 3
    assert tuple(redone.action.frame_range) == tuple(take.action.frame_range)
    assert bpy.ops.placid.strips_from_take() == {"FINISHED"}
    assert _prompts(settings) == ["walk", "bow", "wave"]
    settings.strips[0].seconds = 2.5
    with pytest.raises(RuntimeError, match="other lengths"):
        bpy.ops.placid.redo_block()
