"""Takes in files that scripts, other programs or a broken disk have changed."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
from walks import add_walk, walk

bpy = pytest.importorskip("bpy")

_STRIKE = '{"strike":"kick","side":null,"certainty":"found","start":1,"end":2,"peak":1}'
DAMAGED = {
    "audit: garbage": {"audit": "garbage"},
    "audit: other types": {"audit": '{"fps":"x","audit":5}'},
    "audit: no rate": {"audit": f'{{"fps":0,"audit":{{"strikes":[{_STRIKE}]}}}}'},
    "audit: nested": {"audit": "[" * 100_000},
    "request: garbage": {"request": "}{"},
    "request: nested": {"request": '{"kind":"generate","prompt":' + "[" * 100_000},
    "motion: garbage": {"motion": b"\xff" * 50},
    "motion: empty": {"motion": b""},
    "before: garbage": {"before_pose": "{", "before_slot": -1},
    "name: huge": {"name": "y" * 1000, "prompt": "x" * 100_000},
    "name: quotes": {"name": '"]; import os #'},
    "place: far": {"placed": True, "place": 2**31 - 1},
}
VERBS = ("show_take", "accept_take", "push_to_nla", "retarget", "regenerate", "reject_take")


class _Layout:
    """Takes whatever a panel draws, and keeps the labels."""

    def __init__(self, texts: list[str]) -> None:
        self.__dict__["texts"] = texts

    def __getattr__(self, name: str):
        return lambda *_, **options: self.texts.append(str(options.get("text", ""))) or self

    def __setattr__(self, name: str, value: object) -> None:
        pass


def _drawn(placid, take, monkeypatch) -> list[str]:
    panel = placid.features.takes.panel
    monkeypatch.setattr(panel, "characters_of", lambda _context: 60)
    texts: list[str] = []
    layout = _Layout(texts)
    panel.PLACID_PT_takes.draw(SimpleNamespace(layout=layout), bpy.context)
    panel.PLACID_UL_takes.draw_item(None, bpy.context, layout, None, take, 0, None, "")
    return texts


@pytest.mark.parametrize("how", DAMAGED)
def test_verbs_and_panels_survive(blank, monkeypatch, how):
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    for name, value in DAMAGED[how].items():
        setattr(take, name, value)
    current = blank.core.runtime.get()
    for verb in VERBS:
        _drawn(blank, take, monkeypatch)
        operator = getattr(bpy.ops.placid, verb)
        if operator.poll():
            with contextlib.suppress(RuntimeError):  # which is how Blender reports a sentence
                operator()
        assert current.notice is None or len(current.notice.message.splitlines()) == 1
    assert not current.tracebacks, current.tracebacks[-1]


def test_a_damaged_audit_is_told(blank, monkeypatch):
    take = add_walk(blank, blank.character.armature.create_character(bpy.context))
    assert not any("damaged" in text for text in _drawn(blank, take, monkeypatch))
    take.audit = "garbage"
    assert any("audit is damaged" in text for text in _drawn(blank, take, monkeypatch))
    assert blank.core.audits.count(take) is None
    assert blank.core.audits.strikes(bpy.context.scene, take) == []


@pytest.mark.parametrize(("size", "why"), [(0.0, "damaged"), (1e-4, "shows no body")])
def test_a_motion_without_a_body_is_refused_and_leaves_no_action(blank, size, why):
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    motion = blank.shared.motion.motion
    joints = (walk(blank).joints * size).astype(np.float32)
    take.motion = motion.encode_motion(motion.Motion(joints))
    with pytest.raises(blank.shared.errors.PlacidError, match=why):
        blank.core.takes.show(bpy.context.scene, take)
    assert (take.action, list(bpy.data.actions)) == (None, [])


def test_a_take_whose_character_is_no_armature_says_so(blank):
    mesh = bpy.data.objects.new("Mesh", bpy.data.meshes.new("Mesh"))
    bpy.context.collection.objects.link(mesh)
    take = add_walk(blank, mesh)
    with pytest.raises(blank.shared.errors.PlacidError, match="choose one and retarget"):
        blank.core.takes.show(bpy.context.scene, take)
