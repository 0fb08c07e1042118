"""The generator with small random networks: batches, edits, timelines, loops, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs
from sample_motions import walking_motion
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.generation import generator as module
from backend.generation.generator import Generator
from backend.generation.motion_codec import MotionCodec
from backend.generation.token_sampler import TokenSampler
from backend.motion.blending import measure_loop
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError
from shared.motion.kinematics import resample
from shared.motion.understanding import understanding_in
from shared.protocol.messages import EditMotion, Generate, SamplingOptions, Segment, Timeline

MODELS = ("momask", "bamm")
PROMPTS = ("a person walks", "a person waves twice", "someone bows", "a dancer turns")


@pytest.fixture(scope="module", params=["torch", "numpy"])
def generator(tmp_path_factory, request):
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
        return Generator(folder, "cpu", EditStore([]), engine=request.param)


def one(generator, request, **more):
    generator.check(request, **more)
    [motion] = generator.generate(request, **more)
    return motion


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_a_take_is_the_same_alone_and_in_any_batch(generator, model, chunk, monkeypatch):
    monkeypatch.setattr(generator._engine, "batch", chunk)
    requests = [
        Generate(prompt, seconds, takes=2, seed=10 * index, model=model)
        for index, (prompt, seconds) in enumerate(zip(PROMPTS, (2.0, None, 3.4, None), strict=True))
    ]
    made = list(generator.generate_batch(requests))
    assert sorted(number for number, _ in made) == [0, 0, 1, 1, 2, 2, 3, 3]
    for number, motion in made:
        alone = one(generator, replace_take(requests[number], motion.seed))
        np.testing.assert_allclose(motion.joints, alone.joints, atol=1e-5)
        assert motion.prompt == PROMPTS[number]


def replace_take(request, seed):
    return structs.replace(request, seed=seed, takes=1)


@pytest.mark.parametrize("model", MODELS)
def test_seed_and_prompt_make_a_difference(generator, model):
    request = Generate("a person walks", 2.0, model=model)
    motion = one(generator, request)
    for other in (
        Generate("a person walks", 2.0, model=model, seed=1),
        Generate("x", 2.0, model=model),
    ):
        assert np.abs(one(generator, other).joints - motion.joints).max() > 1e-3


def test_a_batch_that_does_not_fit_is_halved(generator, monkeypatch):
    request = Generate("a person walks", 2.0, takes=7)
    expected = [motion.joints for motion in generator.generate(request)]
    sizes, batch = [], TokenSampler._batch

    def small_memory(self, drafts, report):
        sizes.append(len(drafts))
        if len(drafts) > 2:
            raise MemoryError
        return batch(self, drafts, report)

    monkeypatch.setattr(TokenSampler, "_batch", small_memory)
    found = [motion.joints for motion in generator.generate(request)]
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "setting",
    [{"dropped_share": 0.98}, {"temperature": 4.0}, {"guidance": 20.0}, {"residual_guidance": 0.0}],
)
def test_every_setting_reaches_the_networks(generator, model, setting):
    plain = one(generator, Generate("a person walks", 9.0, model=model))
    changed = one(
        generator, Generate("a person walks", 9.0, model=model, sampling=SamplingOptions(**setting))
    )
    assert np.abs(plain.joints - changed.joints).max() > 1e-4


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "request_",
    [
        Generate("a person walks", 3.0, takes=3),
        Generate("a person walks", 3.0, takes=3, loop="in_place"),
        Timeline((Segment("a", 2.0), Segment("b", 2.0)), takes=2),
        EditMotion("a", ((8, 20),), takes=2),
    ],
    ids=["generate", "loop", "timeline", "edit"],
)
def test_progress_never_shrinks_and_cancelling_stops_between_steps(generator, model, request_):
    request = structs.replace(request_, model=model)
    motion = walking_motion(60) if isinstance(request, EditMotion) else None
    told = []

    def progress(fraction, stage):
        told.append(fraction)

    assert len(list(generator.generate(request, progress, motion=motion))) == request.takes
    assert told == sorted(told)
    assert told[0] == 0
    assert 0.8 < told[-1] <= 1
    half = len(told) // 2
    told.clear()
    with pytest.raises(PlacidError, match="cancelled"):
        list(generator.generate(request, progress, lambda: len(told) >= half, motion))
    assert len(told) == half


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "frames", [((20, 40),), ((0, 24),), ((41, 60),), ((4, 9), (30, 45)), ((0, 60),)]
)
def test_an_edit_keeps_all_frames_but_its_own(generator, model, frames):
    motion = walking_motion(60)
    edited = one(generator, EditMotion("a person waves", frames, model=model), motion=motion)
    assert len(edited) == len(motion)
    inside = np.zeros(60, bool)
    for start, end in frames:
        inside[start:end] = True
    assert (np.abs(edited.joints - motion.joints).max(axis=(1, 2)) > 1e-3)[inside].mean() > 0.9
    first = frames[0][1] if frames[0][0] == 0 else 0
    np.testing.assert_array_equal(
        edited.joints[first : frames[0][0]], motion.joints[first : frames[0][0]]
    )
    # What lies behind may have moved as a whole, but its poses are the same.
    local = edited.joints - edited.joints[:, :1]
    before = motion.joints - motion.joints[:, :1]
    np.testing.assert_allclose(
        np.linalg.norm(local, axis=-1)[~inside], np.linalg.norm(before, axis=-1)[~inside], atol=1e-5
    )
    assert edited.prompt == "a person waves"
    assert edited.provenance["edited"]["frames"] == [list(span) for span in frames]


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0, 24.0])
@pytest.mark.parametrize("up", ["Y", "Z"])
def test_an_edit_keeps_rate_axis_and_length(generator, fps, up):
    motion = resample(walking_motion(70), fps).with_up(up)
    edited = one(generator, EditMotion("a", ((20, 40),)), motion=motion)
    assert (edited.fps, edited.up, len(edited)) == (fps, up, len(motion))
    np.testing.assert_allclose(edited.joints[:20], motion.joints[:20], atol=1e-6)


def test_a_long_motion_is_edited_in_windows(generator):
    motion = walking_motion(500)
    edited = one(generator, EditMotion("a", ((20, 60), (300, 340), (480, 500))), motion=motion)
    np.testing.assert_array_equal(edited.joints[:20], motion.joints[:20])
    assert all(np.abs(edited.joints[f] - motion.joints[f]).max() > 1e-3 for f in (40, 320, 490))
    with pytest.raises(PlacidError, match="50:250 has 200 frames, but in a motion of 500"):
        one(generator, EditMotion("a", ((50, 250),)), motion=motion)


def test_a_pose_that_features_cannot_express_is_an_error(generator):
    motion = walking_motion(60)
    flat = replace(motion, joints=np.zeros_like(motion.joints))
    with pytest.raises(PlacidError) as error:
        one(generator, EditMotion("a", ((8, 20),)), motion=flat)
    assert error.value.code == "bad_motion"


def test_a_seam_is_as_wide_as_is_asked(generator, monkeypatch):
    drawn, features = [], MotionCodec.features
    monkeypatch.setattr(
        MotionCodec, "features", lambda self, ids: drawn.append(ids) or features(self, ids)
    )

    def changed(seam):
        parts = (Segment("a person walks", 4.0), Segment("a person bows", 4.0, seam))
        one(generator, Timeline(parts, seed=4))
        return set(np.flatnonzero((drawn[-1] != drawn[0]).any(axis=-1)).tolist())

    assert changed(0.0) == set()
    assert changed(0.4)
    assert changed(0.4) <= {19, 20}
    assert changed(None) <= {18, 19, 20, 21}
    assert changed(2.0) - {18, 19, 20, 21}
    with pytest.raises(PlacidError, match="seam of prompt 2 is 3"):
        changed(3.0)


def test_an_edit_of_a_block_keeps_the_blocks_and_renames_its_own(generator):
    parts = (Segment("a person walks", 2.0), Segment("a person bows", 2.0))
    motion = one(generator, Timeline(parts))
    again = one(generator, EditMotion("a person waves", ((40, 80),)), motion=motion)
    told = [["a person walks", 2.0], ["a person waves", 2.0]]
    assert again.provenance["timeline"] == told
    other = one(generator, EditMotion("a person hops", ((30, 60),)), motion=again)
    assert other.provenance["timeline"] == told
    assert (
        "timeline"
        not in one(generator, EditMotion("a", ((8, 20),)), motion=walking_motion(60)).provenance
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_timeline_is_as_long_as_its_parts_and_differs_at_the_seams_alone(
    generator, model, monkeypatch
):
    parts = (Segment("a person walks", 9.8), Segment("a person bows", 2.0), Segment("x", 3.05))
    drawn, features = [], MotionCodec.features
    monkeypatch.setattr(
        MotionCodec, "features", lambda self, ids: drawn.append(ids) or features(self, ids)
    )
    request = Timeline(parts, seed=4, model=model)
    motion = one(generator, request)
    assert len(motion) == 296
    monkeypatch.setattr("backend.generation.timeline.inpaint", lambda wholes, *rest: wholes)
    one(generator, request)
    changed = np.flatnonzero((drawn[0] != drawn[1]).any(axis=-1)).tolist()
    assert changed
    assert set(changed) <= {47, 48, 49, 50, 57, 58, 59, 60}
    assert motion.prompt == "a person walks, then a person bows, then x"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loop", ["in_place", "travelling"])
def test_a_loop_ends_as_it_begins(generator, model, loop):
    for request in (
        Generate("a person walks", 3.0, model=model, loop=loop),
        Timeline((Segment("a", 2.0), Segment("b", 2.0)), model=model, loop=loop),
    ):
        motion = one(generator, request)
        assert len(motion) % 4 == 1
        first, last = motion.joints[0], motion.joints[-1]
        np.testing.assert_allclose(first[:, 1], last[:, 1], atol=1e-5)
        if loop == "in_place":
            np.testing.assert_allclose(first, last, atol=1e-5)
        figures = measure_loop(motion.joints)
        assert figures.jump_ratio < 2
        assert figures.change_ratio < 2


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Generate(""), "bad_request"),
        (Generate("x" * 10_000), "bad_request"),
        (Generate("a", 0.0), "bad_request"),
        (Generate("a", 9.85), "bad_request"),
        (EditMotion("a", ((50, 70),)), "bad_request"),
        (Timeline(()), "bad_request"),
        (Generate("a", model="gpt"), "unknown_model"),
    ],
)
def test_bad_requests_get_a_sentence(generator, request_, code):
    motion = walking_motion(60) if isinstance(request_, EditMotion) else None
    with pytest.raises(PlacidError) as error:
        generator.check(request_, motion=motion)
    assert error.value.code == code


def test_one_bad_request_of_several_is_found(generator):
    with pytest.raises(PlacidError, match="empty"):
        generator.check(Generate("a person walks", 2.0), Generate(" "))


def test_a_take_is_audited(generator):
    made = one(generator, Generate("a person walks", 2.0))
    assert made.audit == generator.audit(made)
    assert generator.audit(walking_motion(60)).answer == "none"


@pytest.fixture(scope="module")
def embedded():
    return Generator()


def test_a_prompt_of_two_actions_is_made_as_a_timeline(embedded):
    prompt = "a person walks forward and waves"
    motion = one(embedded, Generate(prompt=prompt, seconds=5, seed=3, safety="off"))
    assert motion.prompt == prompt
    assert motion.provenance["timeline"] == [
        ["a person walks forward", 2.5],
        ["a person waves", 2.5],
    ]
    assert len(motion) == 100
    alone = one(embedded, Generate(prompt="a person waves", seconds=5, safety="off"))
    assert "timeline" not in alone.provenance


def test_progress_of_a_batch_never_falls_and_ends_at_one(embedded):
    prompts = ("a person walks", "a person walks and waves", "a person runs and then jumps")
    requests = [Generate(prompt, seconds=5, takes=2, safety="off") for prompt in prompts]
    requests.append(
        Generate("a person walks", seconds=2, sampling=SamplingOptions(steps=5), safety="off")
    )
    told = []
    made = list(embedded.generate_batch(requests, lambda fraction, _: told.append(fraction)))
    assert len(made) == 7
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    # Every part of the work has its share: half of the takes are not told as all of them.
    assert len({round(fraction, 1) for fraction in told}) > 6


def test_what_a_prompt_denies_is_not_made(embedded):
    asked = one(embedded, Generate("a person waves", 2.0, safety="off"))
    denied = "a person waves but does not jump"
    told = one(embedded, Generate(denied, 2.0, safety="off"))
    assert told.prompt == denied
    np.testing.assert_array_equal(told.joints, asked.joints)


def test_a_take_tells_whether_its_prompt_is_known(embedded):
    plain = one(embedded, Generate("a person walks forward", 2.0, safety="off"))
    found = understanding_in(plain.provenance)
    assert found is not None
    assert found.known
    strange = Generate("ein Mann backt Kuchen", 2.0, safety="off")
    found = understanding_in(one(embedded, strange).provenance)
    assert found is not None
    assert found == embedded.understand(strange)
    assert found.warning.startswith("Placid does not know 'ein Mann backt Kuchen'; nearest: '")


def test_capabilities_list_what_the_model_knows(embedded, generator):
    actions = {action.name: action.description for action in embedded.capabilities().actions}
    assert actions["wave"].startswith("a person waves")
    assert generator.capabilities().actions == ()
    assert generator.understand(Generate("a person waves")) is None
