"""What takes say of their safety, on small random networks and with edits that are fitted there."""

import dataclasses
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from sample_motions import walking_motion
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.generation import generator as module
from backend.generation.generator import Generator
from backend.unlearning.concept import find_concept
from backend.unlearning.edit import build_edit
from backend.unlearning.edit_name import EditName
from backend.unlearning.edit_store import EditStore
from backend.unlearning.fit import FitInputs, fit_edit
from backend.unlearning.registry import METHODS
from shared.errors import PlacidError
from shared.motion.motion import load_motion, save_motion
from shared.motion.safety import label_of, parts_of
from shared.protocol.messages import EditMotion, Generate, Segment, Timeline

CODEBOOK = "quantizer.layers.0.codebook"


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """With LCR edits of violence and kick in a folder; UCE and RECE are fitted on request."""
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")
    edits = tmp_path_factory.mktemp("edits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
        made = Generator(folder, "cpu", EditStore([edits]))
    for index, concept in enumerate(("violence", "kick")):
        rows = np.arange(8) + 4 * index
        values = np.tile(made.load().networks["rvq"].read(CODEBOOK)[-1 - index], (8, 1))
        change = ("rvq", CODEBOOK, rows, values)
        parameters = dataclasses.asdict(METHODS["lcr"].parameters())
        edit = build_edit("lcr", concept, parameters, made.load().networks, [change])
        edit.save(edits / EditName("momask", "lcr", concept).file)
    return made


def one(generator, request, **more):
    [motion] = generator.generate(request, **more)
    return motion


def test_the_default_forgets_violence_and_names_its_edit(generator):
    motion = one(generator, Generate("a person walks", 2.0))
    label = label_of(motion.provenance)
    (edit,) = generator.edits.find("momask", "lcr", ["violence"])
    assert (label.safety, label.concepts) == ("lcr", ("violence",))
    assert [(e.method, e.concept, e.hash, e.share) for e in label.edits] == [
        ("lcr", "violence", edit.hash, 1.0)
    ]
    assert motion.provenance["strength"] == 1.0
    assert motion.provenance["changes"] == ["violence: 8 motion codes of the decoder replaced"]


@pytest.mark.parametrize(
    ("concepts", "forgotten"),
    [
        (("flower",), ("violence", "flower")),
        (("flower", "-violence"), ("flower",)),
        (("kick",), ("kick",)),
    ],
)
def test_typed_concepts_come_on_top_of_violence(generator, concepts, forgotten):
    label = label_of(one(generator, Generate("a person walks", 2.0, concepts=concepts)).provenance)
    assert label.concepts == forgotten
    assert label.safety == ("lcr" if "kick" in concepts else "uce")
    assert [edit.concept for edit in label.edits] == list(forgotten)


@pytest.mark.parametrize("strength", [0.0, 1e-9])
def test_strength_nothing_is_safety_off(generator, strength):
    request = Generate("a person walks", 2.0, strength=strength)
    weak, off = (
        one(generator, request),
        one(generator, msgspec.structs.replace(request, safety="off")),
    )
    assert np.abs(weak.joints - off.joints).max() < 1e-5
    label = label_of(weak.provenance)
    assert (label.safety, label.concepts, label.edits) == ("off", (), ())
    assert weak.provenance["strength"] == strength
    assert "nothing is forgotten" in weak.provenance["changes"][0]


def test_half_a_strength_says_how_far(generator):
    label = label_of(one(generator, Generate("a person walks", 2.0, strength=0.5)).provenance)
    assert (label.concepts, label.partly) == ((), {"violence": 0.5})


def test_timelines_and_batches_are_labelled_too(generator):
    segments = (Segment("a person walks", 2.0), Segment("a person waves", 2.0))
    assert label_of(one(generator, Timeline(segments)).provenance).safety == "lcr"
    requests = [Generate("a person walks", 2.0, safety=safety) for safety in ("off", "uce", None)]
    made = dict(generator.generate_batch(requests))
    labels = [label_of(made[index].provenance).safety for index in range(3)]
    assert labels == ["off", "uce", "lcr"]


def test_editing_part_of_an_unsafe_motion_does_not_make_it_safe(generator, tmp_path):
    unsafe = one(generator, Generate("a person kicks", 4.0, safety="off"))
    edited = one(generator, EditMotion("a person stands", ((70, 80),)), motion=unsafe)
    save_motion(edited, tmp_path / "edited.npz")
    edited = load_motion(tmp_path / "edited.npz")
    label = label_of(edited.provenance)
    assert (label.safety, label.concepts, label.edits) == ("off", (), ())
    parts = parts_of(edited.provenance, len(edited))
    assert [(part.start, part.end, part.label.safety) for part in parts] == [
        (0, 70, "off"),
        (70, 80, "lcr"),
    ]
    assert edited.provenance["origin"]["prompt"] == "a person kicks"
    assert edited.provenance["origin"]["provenance"]["safety"] == "off"
    # Edited again, the first origin stays and so does the label of each frame.
    again = one(generator, EditMotion("sits", ((0, 30),), safety="uce"), motion=edited)
    assert [p.label.safety for p in parts_of(again.provenance, 80)] == ["uce", "off", "lcr"]
    assert label_of(again.provenance).safety == "off"
    assert again.provenance["origin"] == edited.provenance["origin"]
    whole = one(generator, EditMotion("sits", ((0, 70),)), motion=unsafe)
    whole = one(generator, EditMotion("sits", ((70, 80),)), motion=whole)
    assert label_of(whole.provenance).safety == "lcr"
    assert label_of(whole.provenance).concepts == ("violence",)


def test_captured_motion_stays_of_unknown_safety(generator):
    edited = one(generator, EditMotion("sits", ((20, 30),)), motion=walking_motion(60))
    assert label_of(edited.provenance).safety == "unknown"
    assert edited.provenance["edited"]["frames"] == [[20, 30]]


def test_takes_that_are_asked_for_in_turn_are_those_of_each_alone(generator):
    """A request's edits are in force for its takes, whatever is made in between."""
    requests = [
        Generate("a person walks", 2.0, takes=3, safety=safety, seed=5) for safety in ("lcr", "off")
    ]
    alone = [list(generator.generate(request)) for request in requests]
    assert np.abs(alone[0][2].joints - alone[1][2].joints).max() > 1e-3
    running = [generator.generate(request) for request in requests]
    for take in range(3):
        for number in range(2):
            np.testing.assert_array_equal(next(running[number]).joints, alone[number][take].joints)


def test_an_edit_depends_on_nothing_that_was_made_before(generator):
    request = EditMotion("a person waves", ((20, 40),), seed=3)
    found = []
    for safety in ("lcr", "off"):
        one(generator, Generate("a person walks", 2.0, safety=safety))
        found.append(one(generator, request, motion=walking_motion(60)).joints)
    np.testing.assert_array_equal(found[0], found[1])


def test_unloading_leaves_a_running_request_its_edits(generator):
    request = Generate("a person walks", 2.0, takes=2, seed=5)
    alone = list(generator.generate(request))
    running = generator.generate(request)
    next(running)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
        generator.unload()
        np.testing.assert_array_equal(next(running).joints, alone[1].joints)
    generator.unload()


def test_a_request_is_cancelled_while_it_learns_what_to_forget(generator):
    words = tuple(f"word{letter} and more" for letter in "abcdefgh")
    asked = []

    def cancelled():
        asked.append(None)
        return len(asked) > 2

    request = Generate("a person walks", 2.0, safety="uce", concepts=words)
    with pytest.raises(PlacidError) as refused:
        next(generator.generate(request, cancelled=cancelled))
    assert refused.value.code == "cancelled"
    assert len(asked) == 3


def test_a_motion_whose_provenance_is_damaged_is_not_edited(generator):
    motion = replace(walking_motion(60), provenance={"safety": ["lcr"]})
    with pytest.raises(PlacidError, match="its safety cannot be read"):
        one(generator, EditMotion("sits", ((20, 30),)), motion=motion)


def test_another_text_encoder_has_a_default_preset_of_its_own(generator):
    """What is fitted on request and what the command line writes agree on it."""
    (edit,) = generator.edits.find("momask", "uce", ["flower,"])
    assert edit.provenance["presets"] == ["corrected"]
    inputs = FitInputs(generator.encoder)
    written = fit_edit(generator.load(), inputs, find_concept("flower,"), "uce", "momask")
    assert written.hash == edit.hash
