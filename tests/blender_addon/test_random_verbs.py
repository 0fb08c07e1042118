"""Verbs in any order: nothing unforeseen, no work of a person lost, all given back in the end."""

import random

import pytest
from walks import add_walk, played

bpy = pytest.importorskip("bpy")

STEPS = 40
VERBS = ["add", "add", "show", "show", "preview", "accept", "reject", "delete", "retarget", "push"]
VERBS += ["append", "append", "back", "edit", "object", "tweak", "playhead", "travel"]


class _Play:
    """Two characters, one of which plays an action of the user's, and what was done so far."""

    def __init__(self, placid, seed: int) -> None:
        self.placid, self.random = placid, random.Random(seed)
        scene = bpy.context.scene
        scene.render.fps = 20
        self.armatures = [placid.character.armature.create_character(bpy.context) for _ in "ab"]
        self.former = bpy.data.actions.new("Former")
        placid.retargeting.slots.assign_action(self.armatures[0], self.former)
        knee = self.armatures[0].pose.bones["left_knee"]
        knee.keyframe_insert("rotation_quaternion", frame=1)
        self.slot = self.armatures[0].animation_data.action_slot.identifier
        self.own_by_hand: set[str] = set()
        self.stays = False  # whether something was done that rejecting everything does not undo
        self.done: list[str] = []

    def step(self) -> None:
        verb = self.random.choice(VERBS)
        scene = bpy.context.scene
        takes = scene.placid.takes
        number = self.random.randrange(len(takes)) if takes else None
        self.done.append(f"{verb} {number}")
        if verb == "add" or number is None:
            add_walk(self.placid, self.random.choice(self.armatures), 8)
            return
        try:
            getattr(self, f"_{verb}")(scene, takes[number], number)
        except self.placid.shared.errors.PlacidError as error:
            self.done[-1] += f": {error.code}"

    def _show(self, scene, take, number) -> None:
        self.placid.core.takes.show(scene, take)

    def _preview(self, scene, take, number) -> None:
        self.placid.core.takes.preview(scene, take)

    def _accept(self, scene, take, number) -> None:
        self.placid.core.takes.accept(scene, take)

    def _reject(self, scene, take, number) -> None:
        self.placid.core.takes.reject(scene, take)

    def _delete(self, scene, take, number) -> None:
        self.stays |= take.status == "ACCEPTED"
        self.placid.core.takes.delete(scene, number)

    def _retarget(self, scene, take, number) -> None:
        self.placid.core.takes.retarget(scene, take, self.random.choice(self.armatures))

    def _push(self, scene, take, number) -> None:
        self.stays = True
        self.placid.core.takes.push_to_nla(scene, take)

    def _append(self, scene, take, number) -> None:
        self.stays = True
        self.placid.core.takes.append(scene, take, 4)

    def _back(self, scene, take, number) -> None:
        if take.armature and self.placid.core.showing.covered_by(take.armature):
            self.placid.core.showing.back_to_sequence(scene, take.armature)

    def _edit(self, scene, take, number) -> None:
        if None not in (take.action, take.armature):
            curves = self.placid.retargeting.slots.curves_of(take.action, take.armature)
            curves[0].keyframe_points[1].co.y += 0.5
            # A name of its own, by which it is found whatever becomes of the take.
            if take.action.name not in self.own_by_hand:
                take.action.name = f"By Hand {len(self.done)}"
            self.own_by_hand.add(take.action.name)

    def _object(self, scene, take, number) -> None:
        armature = take.armature
        is_played = armature is not None and played(armature) is not None
        if is_played and not armature.animation_data.use_tweak_mode:
            armature.keyframe_insert("location", frame=scene.frame_current)

    def _tweak(self, scene, take, number) -> None:
        data = take.armature.animation_data if take.armature else None
        strips = [strip for track in data.nla_tracks for strip in track.strips] if data else []
        if strips and not data.use_tweak_mode:
            data.nla_tracks.active = data.nla_tracks[-1]
            data.nla_tracks[-1].strips[0].select = True
            data.use_tweak_mode = True
        elif data:
            data.use_tweak_mode = False

    def _playhead(self, scene, take, number) -> None:
        scene.frame_set(self.random.randrange(1, 30))

    def _travel(self, scene, take, number) -> None:
        # Placid's own character has no root bone: baking fails with it.
        scene.placid_motion.root_motion = self.random.choice(("hips", "root", "in_place"))

    def check(self) -> None:
        actions = set(bpy.data.actions)
        names = {action.name for action in actions}
        assert self.own_by_hand <= names, "work that a person did by hand is gone"
        assert self.former in actions
        for take in bpy.context.scene.placid.takes:
            assert take.status != "ACCEPTED" or take.action is not None
        for armature in self.armatures:
            action = played(armature)
            assert action is None or armature.animation_data.action_slot is not None

    def end(self) -> None:
        """Reject everything, as somebody who wants the file as it was."""
        scene = bpy.context.scene
        scene.placid_motion.root_motion = "hips"
        for armature in self.armatures:
            if armature.animation_data is not None:
                armature.animation_data.use_tweak_mode = False
        for take in reversed(list(scene.placid.takes)):
            self.placid.core.takes.reject(scene, take)
            self.done.append(f"finally reject {take.name}")


@pytest.mark.parametrize("seed", range(4))
def test_verbs_in_any_order(blank, seed):
    play = _Play(blank, seed)
    for _ in range(STEPS):
        play.step()
        try:
            play.check()
        except AssertionError as error:
            raise AssertionError(f"{error} after: {'; '.join(play.done)}") from error
    assert not blank.core.runtime.get().tracebacks
    play.end()
    play.check()
    if not play.stays:
        data = play.armatures[0].animation_data
        assert (data.action, data.action_slot.identifier) == (play.former, play.slot), "; ".join(
            play.done
        )
        assert played(play.armatures[1]) is None, "; ".join(play.done)
