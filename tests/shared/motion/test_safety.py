"""Labels of safety: what a motion's provenance says, frame by frame."""

import itertools

import msgspec
import numpy as np
import pytest
from sample_motions import walking_motion

from shared.motion.motion import Motion, MotionError, load_motion, save_motion
from shared.motion.safety import (
    EditRecord,
    Label,
    Part,
    ProvenanceError,
    announce,
    changes_of,
    check_provenance,
    label_entries,
    label_of,
    parts_of,
    replaced,
    weakest,
)

LCR = Label.of("lcr", [EditRecord("lcr", "violence", "aa")])
BOTH = Label.of("uce", [EditRecord("uce", "violence", "bb"), EditRecord("uce", "crawl", "cc")])
HALF = Label.of("lcr", [EditRecord("lcr", "violence", "aa", 0.5)])
OFF = Label("off")


def test_a_label_is_of_the_effect():
    assert (LCR.safety, LCR.concepts, LCR.partly) == ("lcr", ("violence",), {})
    assert LCR.sentence == "safety lcr, forgets violence"
    assert HALF.sentence == "safety lcr, violence only 50% of the way, the rest of it is left"
    kinds = Label("uce", ("guns",), {"kick": 0.8, "punch": 0.7})
    assert kinds.sentence == (
        "safety uce, forgets guns; kick only 80% of the way, the rest of it is left; "
        "punch only 70% of the way, the rest of it is left; other violence (martial_arts, "
        "weapons) is free"
    )
    assert Label("uce", (), {"crawl": 0.5}).sentence == (
        "safety uce, crawl only 50% of the way, the rest of it is left; violence is free"
    )
    assert (HALF.concepts, HALF.partly) == ((), {"violence": 0.5})
    for share in (0.0, 1e-9, 0.004):
        label = Label.of("lcr", [EditRecord("lcr", "violence", "aa", share)])
        assert label == OFF
    joined = Label.of(
        "lcr+uce", [EditRecord("lcr", "kick", "a", 0.3), EditRecord("uce", "kick", "b", 1.0)]
    )
    assert joined.concepts == ("kick",)
    assert "other violence (guns, martial_arts, punch, weapons) is free" in joined.sentence
    assert Label.of("lcr", []) == OFF


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([LCR, LCR], LCR),
        ([LCR, OFF], OFF),
        ([OFF, Label()], OFF),
        ([LCR, Label()], Label("unknown")),
        ([LCR, BOTH], Label("mixed", ("violence",), {}, (*LCR.edits, *BOTH.edits))),
        ([LCR, HALF], Label("lcr", (), {"violence": 0.5}, (*LCR.edits, *HALF.edits))),
        ([BOTH, HALF], Label("mixed", (), {"violence": 0.5}, (*BOTH.edits, *HALF.edits))),
    ],
)
def test_a_motion_is_as_safe_as_its_weakest_part(labels, wanted):
    parts = [Part(10 * i, 10 * i + 10, label) for i, label in enumerate(labels)]
    assert weakest(parts) == wanted
    back = weakest(parts[::-1])
    assert (back.safety, set(back.concepts), back.partly) == (
        wanted.safety,
        set(wanted.concepts),
        wanted.partly,
    )


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        ([(3, 5)], "off off off new new off off off lcr lcr"),
        ([(0, 10)], "new new new new new new new new new new"),
        ([(0, 2), (7, 10)], "new new off off off off off new new new"),
        ([(2, 4), (4, 9)], "off off new new new new new new new lcr"),
        ([(8, 10)], "off off off off off off off off new new"),
    ],
)
def test_every_frame_keeps_the_label_of_what_made_it(ranges, wanted):
    new = Label("new")
    parts = replaced([Part(0, 8, OFF), Part(8, 10, Label("lcr"))], ranges, new)
    frames = [part.label.safety for part in parts for _ in range(part.start, part.end)]
    assert " ".join(frames) == wanted
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert all(a.label != b.label for a, b in itertools.pairwise(parts))
    check_provenance(label_entries(weakest(parts), parts), 10)


def test_labels_travel_as_plain_json():
    parts = replaced([Part(0, 10, BOTH)], [(2, 4)], HALF)
    entries = label_entries(weakest(parts), parts) | {"changes": ["a", "b"], "model": "momask"}
    back = msgspec.json.decode(msgspec.json.encode(entries))
    assert label_of(back) == weakest(parts)
    assert parts_of(back, 10) == parts
    assert changes_of(back) == ("a", "b")
    assert parts_of({"safety": "lcr"}, 7) == (Part(0, 7, Label("lcr")),)
    assert label_of({}) == Label("unknown")


def _deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


PART = {"start": 0, "end": 40, "label": {"safety": "lcr"}}
DAMAGED = [
    {"safety": 3},
    {"safety": None},
    {"concepts": "violence"},
    {"concepts": [1]},
    {"partly": {"a": "b"}},
    {"partly": ["a"]},
    {"edits": [{"method": "lcr"}]},
    {"edits": "lcr"},
    {"changes": 3},
    {"changes": [3]},
    {"changes": _deep(3)},
    {"parts": {"0": 1}},
    {"parts": [PART | {"end": 39}]},
    {"parts": [PART | {"end": 10**400}]},
    {"parts": [PART | {"start": 1}]},
    {"parts": [PART, PART]},
    {"parts": [PART | {"start": -40, "end": 0}, PART]},
    {"parts": [PART | {"end": 0}]},
    {"parts": [{"start": 0, "end": 40}]},
]


@pytest.mark.parametrize("damage", DAMAGED, ids=str)
def test_damaged_provenance_is_refused_with_a_sentence(damage, tmp_path):
    with pytest.raises(ProvenanceError):
        check_provenance(damage, 40)
    motion = Motion(walking_motion(40).joints, provenance=damage)
    if "10000" not in str(damage):
        save_motion(motion, tmp_path / "motion.npz")
        with pytest.raises(MotionError, match="says of its safety cannot be read"):
            load_motion(tmp_path / "motion.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda joints: joints * 0, "has no body in frame 0"),
        (np.ones_like, "has no body in frame 0"),
        (lambda joints: joints * np.float32(1e-30), "has no body in frame 0"),
    ],
)
def test_joints_that_are_no_body_are_refused(change, message, tmp_path):
    save_motion(Motion(change(walking_motion(40).joints)), tmp_path / "motion.npz")
    with pytest.raises(MotionError, match=message):
        load_motion(tmp_path / "motion.npz")


def test_a_body_that_collapses_on_the_way_is_refused_with_its_frame(tmp_path):
    joints = walking_motion(40).joints.copy()
    joints[17] = 0
    save_motion(Motion(joints), tmp_path / "motion.npz")
    with pytest.raises(MotionError, match="has no body in frame 17"):
        load_motion(tmp_path / "motion.npz")


def test_a_header_nested_too_deeply_is_no_motion(tmp_path):
    header = b'{"provenance": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    joints = walking_motion(40).joints
    np.savez(tmp_path / "motion.npz", header=np.frombuffer(header, np.uint8), joints=joints)
    with pytest.raises(MotionError, match="nested too deeply"):
        load_motion(tmp_path / "motion.npz")


@pytest.mark.parametrize(
    ("safety", "guard", "concepts", "strength", "told"),
    [
        (None, None, ("violence",), 1.0, "forgets violence"),
        ("off", None, ("violence",), 1.0, "safety off, violence is free"),
        ("lcr", None, ("violence",), 0.0, "safety off, violence is free"),
        ("lcr", True, ("violence",), 0.0, "draws violence anew"),
        ("token_guard", None, ("crawl", "-violence"), 1.0, "draws crawl anew; violence is free"),
        ("uce", True, ("violence",), 1.0, "forgets violence; draws violence anew"),
        (
            "lcr",
            None,
            ("kick",),
            0.4,
            "kick only 40% of the way, the rest of it is left; other violence (guns, martial_arts, "
            "punch, weapons) is free",
        ),
    ],
)
def test_what_a_request_will_forget_is_said_beforehand(safety, guard, concepts, strength, told):
    assert announce(safety, guard, concepts, strength) == told


def test_a_part_that_nobody_guarded_leaves_the_whole_unguarded():
    guarded = Label.of("lcr+token_guard", LCR.edits, ["violence"])
    assert (guarded.safety, guarded.guarded) == ("lcr+token_guard", ("violence",))
    whole = weakest([Part(0, 4, guarded), Part(4, 8, LCR)])
    assert (whole.safety, whole.concepts, whole.guarded) == ("mixed", ("violence",), ())
