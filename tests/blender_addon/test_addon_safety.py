"""What the panel and the takes say of safety: what is forgotten, what is free, what is damaged."""

import json

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _settings():
    return bpy.context.scene.placid


def _take(placid, provenance, prompt="a person walks"):
    motion = placid.shared.motion.motion.Motion(
        walking_motion(60).joints, prompt=prompt, provenance=provenance
    )
    request = placid.shared.protocol.messages.Generate(prompt, safety="lcr")
    return placid.core.takes.add_take(bpy.context.scene, None, request, motion)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("violence", "Forgets violence"),
        ("crawl", "Forgets violence and crawl"),
        ("crawl, creep", "Forgets violence, crawl and creep"),
        ("kick", "Forgets kick; other violence (guns, martial_arts, punch, weapons) is free"),
        ("crawl, -violence", "Forgets crawl; violence is free"),
        ("", "No concept to forget is named; name one, or choose safety 'off'"),
    ],
)
def test_the_panel_says_what_is_forgotten_and_what_is_free(blank, typed, sentence):
    operators = blank.features.generate.operators
    _settings().concepts = typed
    assert operators.forgetting(_settings()) == sentence
    if typed:
        _settings().strength = 0.0
        assert operators.forgetting(_settings()) == "Safety off, violence is free"


def test_a_take_is_labelled_by_what_the_backend_says_and_not_by_the_request(blank):
    label = {"safety": "uce", "concepts": ["violence"], "changes": ["violence: 1 tensor"]}
    take = _take(blank, label)
    assert (take.safety, take.concepts) == ("uce", "violence")
    assert take.label == "safety uce, forgets violence"
    assert take.changes == "violence: 1 tensor"
    assert _take(blank, {}).safety == "unknown"
    assert _take(blank, {"safety": "off"}).label == "safety off, violence is free"


def test_a_take_of_several_parts_says_how_each_was_made(blank):
    parts = [
        {"start": 0, "end": 40, "label": {"safety": "off"}},
        {"start": 40, "end": 60, "label": {"safety": "lcr", "concepts": ["violence"]}},
    ]
    take = _take(blank, {"safety": "off", "parts": parts})
    assert take.safety == "off"
    assert take.changes.splitlines() == [
        "Frames 0 to 39: safety off, violence is free",
        "Frames 40 to 59: safety lcr, forgets violence",
    ]


@pytest.mark.parametrize(
    "audit",
    ["{", "[]", "{}", "[" * 100_000, '{"fps": 0, "audit": {}}', '{"fps": "x"}', "\u0000"],
)
def test_a_damaged_audit_is_told(blank, audit):
    take = _take(blank, {})
    take.audit = audit
    audits = blank.core.audits
    assert audits.count(take) is None
    assert audits.strikes(bpy.context.scene, take) == []
    assert audits.is_damaged(take) is bool(take.audit)


def test_a_damaged_request_disables_regenerate_with_a_sentence(blank):
    take = _take(blank, {})
    _settings().take_index = 0
    take.request = "{"
    reason = blank.features.generate.operators.PLACID_OT_regenerate.disabled_reason(bpy.context)
    assert reason == "the take does not say how it was made; generate anew from its prompt"


def test_damaged_provenance_of_a_file_is_refused_with_a_sentence(blank, tmp_path):
    motion = blank.shared.motion.motion
    path = tmp_path / "motion.npz"
    motion.save_motion(
        motion.Motion(walking_motion(60).joints, provenance={"changes": [1, 2]}), path
    )
    with pytest.raises(RuntimeError, match="of its safety cannot be read"):
        bpy.ops.placid.load_motion(filepath=str(path))
    assert len(_settings().takes) == 0


def test_a_loaded_take_is_made_again_with_a_method_that_there_is(blank, tmp_path):
    motion = blank.shared.motion.motion
    for safety, wanted in (("mixed", None), ("unknown", None), ("uce", "uce"), ("off", "off")):
        path = tmp_path / f"{safety}.npz"
        provenance = {"safety": safety, "concepts": ["kick"]}
        motion.save_motion(motion.Motion(walking_motion(60).joints, provenance=provenance), path)
        bpy.ops.placid.load_motion(filepath=str(path))
        request = json.loads(_settings().takes[-1].request)
        assert request.get("safety") == wanted
        assert request["concepts"] == ["kick"]
