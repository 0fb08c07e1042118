"""Previews: the stage, the camera that never loses the body, pictures and films."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

FRAMES = (1, 12)


@pytest.fixture
def walker(blank):
    """The character, carried three metres and turned."""
    armature = blank.character.armature.create_character(bpy.context)
    for frame, y in zip(FRAMES, (0.0, -3.0), strict=True):
        armature.location = (0.5, y, 0.0)
        armature.rotation_euler = (0.0, 0.0, y)
        armature.keyframe_insert("location", frame=frame)
        armature.keyframe_insert("rotation_euler", frame=frame)
    return armature


def _counts() -> dict[str, int]:
    names = ("objects", "meshes", "cameras", "actions", "scenes", "worlds", "collections")
    return {name: len(getattr(bpy.data, name)) for name in names}


def test_the_camera_sees_every_bone_in_every_frame_and_large(blank, walker):
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    with blank.filming.stage.preview_scene(walker, FRAMES, (160, 90)) as scene:
        path = blank.filming.stage.body_path(scene, walker, FRAMES)
        seen = []
        for frame, points in zip(range(FRAMES[0], FRAMES[1] + 1), path, strict=True):
            scene.frame_set(frame)
            camera = scene.camera.evaluated_get(scene.view_layers[0].depsgraph)
            seen.append([world_to_camera_view(scene, camera, Vector(point)) for point in points])
    view = np.array(seen)
    assert view[..., 2].min() > 0, "in front of the camera"
    assert view[..., :2].min() > 0.0
    assert view[..., :2].max() < 1.0
    assert np.ptp(view[..., 1], axis=1).min() > 0.5, "at least half of the picture's height"


def test_camera_keeps_away_from_someone_who_jumps(blank):
    time = np.linspace(0, 1, 40)[:, None, None]
    body = np.random.default_rng(0).uniform((-0.5, -0.5, 0.5), (0.5, 0.5, 1.5), (1, 20, 3))
    path = body + time * (0.3, 0, 0) + np.sin(time * math.pi) * (0, 0, 1.5)
    places, rotation = blank.filming.stage.camera_track(path, 20.0, 16 / 9, math.radians(20))
    local = (path - places[:, None]) @ np.array(rotation.to_3x3())
    assert (local[..., 2] < 0).all()
    reach = np.abs(local[..., :2] / -local[..., 2:]) / math.tan(math.radians(20))
    assert reach[..., 0].max() < 1.0
    assert (reach[..., 1] * 16 / 9).max() < 1.0


def test_a_preview_leaves_nothing_behind(blank, walker):
    before, scene = _counts(), bpy.context.window.scene
    with blank.filming.stage.preview_scene(walker, FRAMES, (160, 90)):
        assert _counts() != before
    assert _counts() == before
    assert bpy.context.window.scene == scene


@pytest.mark.parametrize("engine", ["workbench", "eevee", "cycles"])
def test_every_engine_is_one_that_this_blender_has(blank, walker, engine):
    with blank.filming.stage.preview_scene(walker, FRAMES, (96, 54), "auto", engine, 7) as scene:
        stage = scene.collection.children[0]
        lamps = [item for item in stage.objects if item.type == "LIGHT"]
        assert len(lamps) == (engine != "workbench")
        if engine == "eevee":
            newer = bpy.app.version >= (5, 0, 0)
            assert scene.render.engine == ("BLENDER_EEVEE" if newer else "BLENDER_EEVEE_NEXT")
            assert scene.eevee.taa_render_samples == 7
            assert scene.eevee.use_shadows
        elif engine == "cycles":
            assert (scene.render.engine, scene.cycles.samples) == ("CYCLES", 7)
        else:
            assert scene.render.engine == "BLENDER_WORKBENCH"


@pytest.mark.parametrize("built_in", [True, False])
def test_cycles_denoises_where_it_can(blank, walker, monkeypatch, built_in):
    import _cycles

    monkeypatch.setattr(_cycles, "with_openimagedenoise", built_in)
    with blank.filming.stage.preview_scene(walker, FRAMES, (96, 54), "auto", "cycles") as scene:
        assert scene.cycles.use_denoising == built_in


def test_contact_sheet_shows_different_frames(blank, walker, tmp_path):
    with blank.filming.stage.preview_scene(walker, FRAMES, (96, 54)) as scene:
        sheet = blank.filming.render.render_contact_sheet(scene, tmp_path / "sheet.png", 3, 2)
    image = bpy.data.images.load(str(sheet))
    assert tuple(image.size) == (192, 108)
    pixels = np.array(image.pixels[:]).reshape(108, 192, 4)
    first, second, third = pixels[54:, :96], pixels[54:, 96:], pixels[:54, :96]
    assert np.abs(first - second).max() > 0.1
    assert np.abs(second - third).max() > 0.1
    assert pixels[:54, 96:, :3].max() == 0.0, "the cell that is left over"
    bpy.data.images.remove(image)


def test_video_has_every_frame(blank, walker, tmp_path):
    with blank.filming.stage.preview_scene(walker, (1, 4), (96, 54)) as scene:
        video = blank.filming.render.render_video(scene, tmp_path / "walk.mp4")
    clip = bpy.data.movieclips.load(str(video))
    assert tuple(clip.size) == (96, 54)
    assert clip.frame_duration == 4
    bpy.data.movieclips.remove(clip)


def test_a_folder_that_cannot_be_written_is_said(blank, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(blank.shared.errors.PlacidError, match="choose another folder"):
        blank.filming.render.write_sheet([np.zeros((4, 4, 4))], tmp_path / "file" / "sheet.png", 1)
