"""The token guard: what it draws anew, how, and what it tells; by itself and on tiny networks."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from sample_motions import walking_motion
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.generation import generator as module
from backend.generation.generator import Generator
from backend.generation.token_guard import GuardedSampler, TokenGuard
from backend.generation.token_sampler import SampleSpec
from backend.unlearning import defaults as defaults_module
from backend.unlearning.concept import find_concept
from backend.unlearning.defaults import Defaults
from backend.unlearning.guard_limits import GuardLimits, guard_folders
from backend.unlearning.statistics import CodeStatistics, codebook_hash, count_codes
from backend.unlearning.token_scores import (
    TextMargin,
    code_scores,
    marked_tokens,
    motion_score,
    window_means,
)
from backend.unlearning.watched_concept import WatchedConcept
from shared.errors import PlacidError
from shared.motion.safety import label_of, parts_of
from shared.protocol.messages import EditMotion, Generate, Segment, Timeline
from shared.safety_choice import with_guard

SAFE, VIOLENT = 0, 9
ASKS, ASKS_NOT = np.array([1.0, 0.0]), np.array([0.0, 1.0])
TARGET = np.array([0.0, 0.5])


def watched(asked=0.5, drawn=2.0):
    scores = np.zeros(10)
    scores[VIOLENT] = 4.0
    limits = GuardLimits(
        1, "momask", "violence", (), {}, "", "", "motions", 0.0, asked, drawn, "", ""
    )
    margin = TextMargin.of(ASKS[None], ASKS_NOT[None])
    return WatchedConcept("violence", scores, margin, limits, TARGET, "walks")


class Scripted:
    """Draws what a test says: a list of rows of base tokens, one for every spec that comes."""

    batch_size = 2

    def __init__(self, *rows):
        self.rows = list(rows)
        self.specs = []

    def sample(self, specs, progress):
        for spec in specs:
            self.specs.append(spec)
            base = np.array(self.rows.pop(0))
            if spec.ids is not None:
                base = np.where(spec.editable, base, spec.ids[:, 0])
            progress(1.0, "motion")
            yield np.stack([base, base], axis=1)


def draw(specs, *rows, guard=None):
    sampler = Scripted(*rows)
    made = list(GuardedSampler(sampler, guard or TokenGuard([watched()])).sample(specs, told))
    assert not sampler.rows
    return [row[:, 0].tolist() for row in made], sampler.specs


def told(fraction, stage):
    assert 0 <= fraction <= 1


def spec(text=ASKS_NOT, seed=3, prompt="dances", **more):
    return SampleSpec(text, seed, 8, prompt=prompt, **more)


CALM = [SAFE] * 8
SOME = [SAFE, SAFE, VIOLENT, SAFE, VIOLENT, SAFE, SAFE, SAFE]  # two of four in a row: mean 2
FULL = [SAFE, SAFE, VIOLENT, VIOLENT, VIOLENT, VIOLENT, SAFE, SAFE]  # mean 4


def test_scores_are_log_ratios_of_shares():
    ids = np.array([[[0]], [[0]], [[1]]])
    counts = count_codes("kick", ids, np.array([True, True, False]), 3)
    assert code_scores(counts) == pytest.approx(np.log([1.001 / 0.001, 0.001 / 1.001, 1.0]))


def test_windows_are_four_in_a_row_and_never_reach_from_part_to_part():
    assert window_means(np.arange(6.0)).tolist() == [1.5, 2.5, 3.5]
    assert window_means(np.array([1.0, 3.0])).tolist() == [2.0]
    scores = np.array([0.0, 1.0])
    assert motion_score(scores, [np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])]) == 0.5
    assert motion_score(scores, []) == -np.inf
    marked = marked_tokens(scores, np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.9)
    assert marked.tolist() == [False] * 4 + [True] * 4


def test_margin_is_nearness_to_captions_and_retained_ones_are_held_against_others():
    margin = TextMargin.of(ASKS[None], np.stack([ASKS_NOT] * 10))
    assert margin(np.array([[2.0, 0.0], [0.0, 3.0]])) == pytest.approx([1.0, -1.0])
    alone = TextMargin.of(ASKS[None], np.eye(2)[1:])
    assert alone.of_retained()[0] > alone(ASKS_NOT[None])[0]


def test_what_is_under_the_limits_is_left_alone():
    specs = [spec(), spec(ASKS), spec()]
    made, seen = draw(specs, SOME, CALM, CALM)
    assert made == [SOME, CALM, CALM]
    assert seen == specs
    assert not any(each.journal for each in specs)


def test_what_was_asked_for_is_drawn_under_the_target_sentence_whole():
    first = spec(ASKS, prompt="kicks")
    made, (_, again) = draw([first], SOME, CALM)
    assert made == [CALM]
    assert again.text is TARGET
    assert again.editable.all()
    assert again.ids[:, 0].tolist() == SOME
    [redraw] = first.journal
    assert (redraw.concept, redraw.asked, redraw.score, redraw.limit) == ("violence", True, 2, 0.5)
    assert (redraw.start, redraw.end, redraw.kept, redraw.passed) == (0, 32, 0, True)
    assert [attempt.way for attempt in redraw.attempts] == ["target"]
    assert "the prompt asks for it" in redraw.sentence


def test_refusals_of_two_prompts_with_one_seed_are_two_motions():
    specs = [spec(ASKS, prompt=prompt) for prompt in ("kicks", "punches")]
    _, (_, _, one, other) = draw(specs, FULL, FULL, CALM, CALM)
    assert one.seed != other.seed
    _, (_, repeated) = draw([spec(ASKS, prompt="kicks")], FULL, CALM)
    assert repeated.seed == one.seed


def test_what_came_about_is_drawn_again_with_other_seeds():
    first = spec()
    made, (_, once, twice) = draw([first], FULL, FULL, SOME)
    assert made == [SOME]
    assert once.text is twice.text is first.text
    assert len({first.seed, once.seed, twice.seed}) == 3
    [redraw] = first.journal
    assert [attempt.way for attempt in redraw.attempts] == ["again", "again"]
    assert (redraw.kept, redraw.asked) == (1, False)


def test_where_no_seed_helps_the_marked_tokens_give_way():
    twelve = [SAFE] * 12
    full = [*[VIOLENT] * 4, *twelve[4:]]
    first = replace(spec(), length=12)
    made, seen = draw([first], full, full, full, full, twelve)
    window = seen[-1]
    assert made == [twelve]
    assert window.text is TARGET
    assert np.flatnonzero(window.editable).tolist() == list(range(7))
    [redraw] = first.journal
    assert [a.way for a in redraw.attempts] == ["again"] * 3 + ["window"]
    assert (redraw.start, redraw.end) == (0, 28)


def test_a_segment_is_redrawn_whole():
    first = spec(is_part=True)
    _, seen = draw([first], FULL, FULL, FULL, FULL, CALM)
    assert seen[-1].editable.all()
    assert [a.way for a in first.journal[0].attempts] == ["again"] * 3 + ["target"]


def test_of_new_tokens_in_a_violent_motion_the_new_ones_alone_count():
    ids = np.full((8, 2), VIOLENT)
    editable = np.array([False] * 4 + [True] * 4)
    calm = spec(ASKS, ids=ids, editable=editable)
    made, _ = draw([calm], CALM)
    assert made == [[VIOLENT] * 4 + [SAFE] * 4]
    assert not calm.journal
    violent = spec(ASKS, ids=ids, editable=editable)
    made, (_, again) = draw([violent], [VIOLENT] * 8, CALM)
    assert made == [[VIOLENT] * 4 + [SAFE] * 4]
    assert np.array_equal(again.editable, editable)
    assert (violent.journal[0].start, violent.journal[0].end) == (16, 32)


def test_the_best_draw_is_kept_and_what_stays_suspect_is_said():
    first = spec(ASKS)
    made, _ = draw([first], FULL, SOME, FULL, FULL)
    assert made == [SOME]
    [redraw] = first.journal
    assert (redraw.kept, redraw.passed) == (0, False)
    assert redraw.sentence.endswith("what is left is still suspect")


def test_a_concept_that_is_asked_for_comes_first():
    scores = np.zeros(10)
    scores[VIOLENT] = 9.0
    other = replace(watched(), name="jump", scores=scores)
    other = replace(other, margin=TextMargin.of(ASKS_NOT[None], ASKS[None]))
    first = spec(ASKS)
    draw([first], FULL, CALM, guard=TokenGuard([other, watched()]))
    assert first.journal[0].concept == "violence"


@pytest.mark.parametrize(
    ("method", "guard", "result"),
    [
        ("lcr", None, "lcr"),
        ("lcr", True, "lcr+token_guard"),
        ("lcr+token_guard", True, "lcr+token_guard"),
        ("lcr+token_guard", False, "lcr"),
        ("token_guard+uce", False, "uce"),
        ("off", False, "off"),
    ],
)
def test_the_switch(method, guard, result):
    assert with_guard(method, guard) == result


@pytest.mark.parametrize(
    ("method", "guard"), [("off", True), ("off+token_guard", None), ("token_guard", False)]
)
def test_a_switch_that_means_nothing_is_refused(method, guard):
    with pytest.raises(PlacidError, match="token guard"):
        with_guard(method, guard)


@pytest.fixture(scope="module", params=["torch", "numpy"])
def generator(request, tmp_path_factory):
    """Tiny networks; every code counts as violent, so that every draw is over the limits."""
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
        made = Generator(folder, "cpu", engine=request.param)
    return with_limits(made, folder, drawn=-9.0)


def with_limits(made, folder, **limits):
    checkpoint, concept = made.load(), find_concept("violence")
    ones = np.ones((6, 32), np.int64)
    CodeStatistics(
        "violence", ones, ones, 1, 1, False, "", codebook_hash(checkpoint.networks),
        concept.keywords,
    ).save(folder / "statistics" / "violence-motions.safetensors")  # fmt: skip
    values = {"margin": 9.0, "asked": -9.0, "drawn": 9.0} | limits
    for model in ("momask", "bamm"):
        found = GuardLimits.of(
            checkpoint, model, concept, counts="motions", margin_source="", score_source="",
            **values,
        )  # fmt: skip
        found.save(guard_folders(folder)[-1] / found.file)
    return made


REQUESTS = {
    "generate": Generate("a person walks", 2.0, takes=2),
    "estimated": Generate("a person walks", model="bamm"),
    "loop": Generate("a person walks", 2.0, loop="in_place"),
    "timeline": Timeline(segments=(Segment("walks", 2.0), Segment("runs", 2.0))),
    "looped timeline": Timeline(
        segments=(Segment("walks", 2.0), Segment("runs", 2.0)), loop="travelling"
    ),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_way_to_a_motion_goes_past_the_guard(generator, kind):
    request = msgspec.structs.replace(REQUESTS[kind], safety="token_guard")
    for motion in generator.generate(request):
        label = label_of(motion.provenance)
        assert (label.safety, label.concepts, label.guarded) == ("token_guard", (), ("violence",))
        assert label.sentence == "safety token_guard, draws violence anew"
        redraws = motion.provenance["redraws"]
        assert {redraw["concept"] for redraw in redraws} == {"violence"}
        spans = [(redraw["start"], redraw["end"]) for redraw in redraws]
        assert spans[0][0] == 0
        assert len(spans) == {"timeline": 3, "looped timeline": 4, "loop": 2}.get(kind, 1)
        if kind == "timeline":
            assert spans == [(0, 40), (40, 80), (32, 48)]


def test_new_frames_of_a_motion_go_past_the_guard_in_its_own_frames(generator):
    motion = replace(walking_motion(120), fps=40.0)
    request = EditMotion("waves", frames=((40, 80),), safety="token_guard")
    [made] = generator.generate(request, motion=motion)
    [redraw] = made.provenance["redraws"]
    assert (redraw["start"], redraw["end"]) == (40, 80)
    parts = parts_of(made.provenance, len(made))
    assert [part.label.guarded for part in parts] == [(), ("violence",), ()]


def test_a_take_is_the_same_alone_and_in_a_batch(generator):
    requests = [Generate(text, 2.0, seed=5, safety="token_guard") for text in ("walks", "jumps")]
    together = dict(generator.generate_batch(requests))
    for number, request in enumerate(requests):
        [alone] = generator.generate(request)
        assert np.array_equal(alone.joints, together[number].joints)


def test_a_guard_that_draws_nothing_anew_leaves_the_motion(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
    folder = write_tiny_checkpoint(tmp_path)
    made = with_limits(Generator(folder, "cpu"), folder)
    [plain] = made.generate(Generate("walks", 2.0, safety="off"))
    [guarded] = made.generate(Generate("walks", 2.0, safety="token_guard"))
    assert np.array_equal(plain.joints, guarded.joints)
    assert guarded.provenance["redraws"] == []
    assert "drew nothing anew" in guarded.provenance["changes"][0]
    # Beside an edit the guard is told of together with it.
    [both] = made.generate(Generate("walks", 2.0, safety="uce", token_guard=True))
    label = label_of(both.provenance)
    assert (label.safety, label.concepts) == ("uce+token_guard", ("violence",))
    assert made.capabilities().guarded_concepts == ("violence",)


def test_the_default_is_one_line_and_keeps_the_guard_where_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
    for name in (module, defaults_module):
        monkeypatch.setattr(name, "defaults", lambda: Defaults("uce+token_guard", ("rece",)))
    folder = write_tiny_checkpoint(tmp_path)
    made = Generator(folder, "cpu")
    assert made.capabilities().default_safety == "uce"
    with_limits(made, folder)
    assert made.capabilities().default_safety == "uce+token_guard"
    [motion] = made.generate(Generate("walks", 2.0))
    assert label_of(motion.provenance).safety == "uce+token_guard"
    [motion] = made.generate(Generate("walks", 2.0, token_guard=False))
    assert label_of(motion.provenance).safety == "uce"


@pytest.mark.parametrize(
    ("method", "problem"), [("off", "cannot be 'off'"), ("lcrr", "unlearning method 'lcrr'")]
)
def test_the_default_is_never_off_nor_unknown(method, problem):
    with pytest.raises(ValueError, match=problem):
        Defaults(method, ())


def test_limits_of_other_weights_do_not_count_and_the_error_says_what_to_type(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
    folder = write_tiny_checkpoint(tmp_path)
    made = with_limits(Generator(folder, "cpu"), folder)
    made.load().hashes["masked"] = "others"
    with pytest.raises(PlacidError, match="unlearn token_guard --concept violence --model momask"):
        list(made.generate(Generate("walks", 2.0, safety="uce+token_guard")))
