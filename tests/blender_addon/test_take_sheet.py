"""The sheet of takes: figures that are drawn, move, and cost nothing while nobody looks."""

import time

import numpy as np
import pytest
from walks import add_walk, walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def sheet(blank, monkeypatch):
    """The sheet of a scene with two takes of one generation and one of another."""
    module = blank.features.takes.sheet
    armature = blank.character.armature.create_character(bpy.context)
    for generation in ("a", "a", "b"):
        add_walk(blank, armature).generation = generation
    blank.core.runtime.get().scheduler.stop(module.SHEET.tick)
    yield module
    module.SHEET.close()


def _figure(placid, **about):
    return placid.features.takes.figure.Figure.of(walk(placid, **about))


def test_a_figure_stands_in_its_picture_and_moves(blank):
    figure = _figure(blank, frames=60)
    assert len(figure) == 30, "ten pictures a second of three seconds"
    first, later = figure.draw(0), figure.draw(5)
    assert first.shape == (96, 96, 4)
    drawn = (np.abs(first[..., :3] - first[0, 0, :3]) > 0.2).any(axis=-1)
    rows = np.flatnonzero(drawn.any(axis=1))
    assert rows.min() > 2, "feet are above the lower edge"
    assert rows.max() < 95, "the head is below the upper edge"
    assert 0.02 < drawn.mean() < 0.3
    assert not np.array_equal(first, later)
    np.testing.assert_array_equal(figure.draw(30), first, "it begins anew")


def test_a_figure_of_a_fall_or_a_jump_stays_within_the_picture(blank):
    motion = walk(blank)
    motion.joints[10:] *= 3.0
    assert np.isfinite(blank.features.takes.figure.Figure.of(motion).draw(7)).all()


def test_the_takes_of_one_generation_are_together(blank, sheet):
    scene = bpy.context.scene
    chosen = scene.placid.takes[1]
    assert [take.number for take in sheet.together_with(scene, chosen)] == [1, 2]


def test_pictures_move_while_they_are_looked_at(blank, sheet, monkeypatch):
    taken = bpy.context.scene.placid.takes
    for take in taken[:2]:
        sheet.SHEET.icon(take)
    assert len(sheet.SHEET._icons) == 2
    assert blank.core.runtime.get().scheduler.is_waiting(sheet.SHEET.tick)

    def pixels():
        return [np.array(p.image_pixels_float) for p in sheet.SHEET._icons.values()]

    for _ in range(3):
        assert sheet.SHEET.tick() == pytest.approx(0.1)
    before = pixels()
    assert all(picture.any() for picture in before)
    sheet.SHEET.tick()
    assert all(not np.array_equal(a, b) for a, b in zip(before, pixels(), strict=True))
    now = time.monotonic()
    monkeypatch.setattr(sheet.time, "monotonic", lambda: now + 5.0)
    assert sheet.SHEET.tick() is None, "nobody looks any more"


def test_a_damaged_take_leaves_its_picture_empty(blank, sheet):
    take = bpy.context.scene.placid.takes[0]
    take.motion = b"damaged"
    sheet.SHEET.icon(take)
    assert sheet.SHEET.tick() is not None


def test_a_take_is_chosen_by_its_number(blank, sheet):
    settings = bpy.context.scene.placid
    assert bpy.ops.placid.choose_take(number=3) == {"FINISHED"}
    assert settings.take_index == 2
    with pytest.raises(RuntimeError, match="no take 9"):
        bpy.ops.placid.choose_take(number=9)
