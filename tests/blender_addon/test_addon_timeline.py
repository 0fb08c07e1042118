"""Prompts in a row and new frames between old ones, through the operators and a real backend."""

import importlib
import time

import pytest

bpy = pytest.importorskip("bpy")


def _run(placid, seconds: float = 60.0):
    """What the timer does while Blender's window is open."""
    current = placid.core.runtime.get()
    deadline = time.monotonic() + seconds
    while current.job is not None:
        assert time.monotonic() < deadline, current.job
        current.tick(0.05)


def _mark(*markers: tuple[int, str]) -> None:
    for frame, name in markers:
        bpy.context.scene.timeline_markers.new(name, frame=frame)


@pytest.fixture
def walked(walking):
    """A take of three seconds at 20 frames a second, which starts at frame 11."""
    scene = bpy.context.scene
    scene.render.fps = 20
    scene.frame_start = 11
    scene.placid.prompt, scene.placid.seconds = "a person walks", 3.0
    assert bpy.ops.placid.generate() == {"FINISHED"}
    _run(walking)
    scene.frame_start = 1
    return walking


def test_strips_come_from_markers_and_last_until_the_next(blank):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 20, 100
    _mark((61, "a person waves"), (1, "a person walks"))
    assert bpy.ops.placid.strips_from_markers() == {"FINISHED"}
    strips = [(strip.prompt, strip.seconds) for strip in scene.placid_timeline.strips]
    assert strips == [("a person walks", 3.0), ("a person waves", 2.0)]


def test_without_markers_the_sentence_says_what_to_do(blank):
    with pytest.raises(RuntimeError, match="add one where each prompt begins"):
        bpy.ops.placid.strips_from_markers()


def test_the_list_is_edited_by_its_buttons(blank):
    settings = bpy.context.scene.placid_timeline
    for prompt in ("one", "two", "three"):
        bpy.context.scene.placid.prompt = prompt
        bpy.ops.placid.add_strip()
    assert [strip.prompt for strip in settings.strips] == ["one", "two", "three"]
    bpy.ops.placid.move_strip(down=False)
    assert [strip.prompt for strip in settings.strips] == ["one", "three", "two"]
    assert settings.strip_index == 1
    bpy.ops.placid.remove_strip()
    assert [strip.prompt for strip in settings.strips] == ["one", "two"]
    assert not bpy.ops.placid.generate_timeline.poll() or settings.strips


def test_a_timeline_becomes_one_take_of_all_prompts(walking):
    settings = bpy.context.scene.placid_timeline
    for prompt in ("a person walks", "a person waves"):
        strip = settings.strips.add()
        strip.prompt, strip.seconds = prompt, 2.0
    assert bpy.ops.placid.generate_timeline() == {"FINISHED"}
    _run(walking)
    [take] = bpy.context.scene.placid.takes
    assert take.prompt == "a person walks, then a person waves"
    assert take.armature.animation_data.action == take.action


def test_an_empty_list_cannot_be_generated(blank):
    assert not bpy.ops.placid.generate_timeline.poll()
    bpy.context.scene.placid_timeline.strips.add()
    assert not bpy.ops.placid.generate_timeline.poll(), "its prompt is empty"


def test_the_preview_range_is_made_anew_in_its_place(walked, monkeypatch):
    scene = bpy.context.scene
    sent = []
    submit = walked.core.runtime.get().session.submit
    monkeypatch.setattr(
        walked.core.runtime.get().session,
        "submit",
        lambda request, motion=None: sent.append((request, motion)) or submit(request, motion),
    )
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 31, 40
    scene.placid_timeline.between_prompt = "a person turns around"
    assert bpy.ops.placid.in_between() == {"FINISHED"}
    _run(walked)
    [(request, motion)] = sent
    assert request.frames == ((20, 30),)
    assert (len(motion), motion.fps) == (60, 20.0)
    old, new = scene.placid.takes
    assert new.prompt == "a person turns around"
    assert new.armature == old.armature
    assert new.armature.animation_data.action == new.action
    assert tuple(new.action.frame_range) == (11.0, 70.0)


def test_selected_keyframes_tell_the_frames(walked):
    scene = bpy.context.scene
    [take] = scene.placid.takes
    chosen_range = importlib.import_module(
        f"{walked.__name__}.features.timeline.frame_range"
    ).chosen_range
    error = walked.shared.errors.PlacidError
    with pytest.raises(error, match="set a preview range"):
        chosen_range(scene, take.armature)
    for curve in walked.retargeting.slots.curves_of(take.action, take.armature):
        for point in curve.keyframe_points:
            point.select_control_point = 20 <= point.co.x <= 30
    assert chosen_range(scene, take.armature) == (20, 30)


def test_frames_outside_of_the_action_are_refused(walked):
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 200, 240
    scene.placid_timeline.between_prompt = "a person turns around"
    with pytest.raises(RuntimeError, match="which has frames 11 to 70"):
        bpy.ops.placid.in_between()
