"""A # in the armature's name: the film's rig is written as file#name and parted at the last #."""

import time

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def test_a_character_with_a_hash_in_its_name_is_filmed(blank, tmp_path):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    armature.name = "Guard #2"
    motion = blank.shared.motion.motion.Motion(walking_motion(20).joints, prompt="a person walks")
    request = blank.shared.protocol.messages.Generate("a person walks")
    take = blank.core.takes.add_take(scene, armature, request, motion)
    blank.core.takes.show(scene, take)
    look = blank.shared.filming.orders.RenderSettings(width=64, height=48)
    film = blank.features.film.job.FilmedTake(take, look, tmp_path / "film.mp4")
    deadline = time.monotonic() + 120
    while film.active and time.monotonic() < deadline:
        film.tick()
        time.sleep(0.1)
    notice = blank.core.runtime.get().notice
    assert film.done, notice and notice.message
