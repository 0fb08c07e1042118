"""How well motions fit prompts, as the shipped evaluator sees it without torch."""

import numpy as np
import pytest
from sample_motions import walking_motion

from backend.evaluation.evaluators.embedded import load_evaluator
from backend.generation.generator import Generator
from backend.generation.prompt_match import PromptMatcher
from backend.motion.features import extract_features, normalise_placement
from backend.text.sentence import SentenceEncoder
from shared.errors import PlacidError
from shared.motion.understanding import match_in
from shared.protocol.messages import Generate


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder()


@pytest.mark.parametrize("frames", [5, 42, 196, 230])
def test_motions_are_where_the_evaluator_has_them(frames):
    features = extract_features(normalise_placement(walking_motion(frames).joints))
    [expected] = load_evaluator().embed_motions([features])
    np.testing.assert_allclose(PromptMatcher().embed_motion(features), expected, atol=1e-5)


def test_texts_are_where_the_evaluator_has_them(encoder):
    text = "a person walks forward"
    [expected] = load_evaluator(encoder=encoder).embed_texts([text])
    made = PromptMatcher().embed_text(encoder.encode([text])[0])
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_what_was_generated_fits_its_own_prompt_best(encoder):
    prompts = ["a person walks forward", "a person does jumping jacks", "a person sits down"]
    generator, matcher = Generator(), PromptMatcher()
    for prompt in prompts:
        [motion] = generator.generate(Generate(prompt, 4.0, seed=1))
        scores = [matcher.match(other, motion, encoder) for other in prompts]
        assert prompts[int(np.argmax(scores))] == prompt
        assert match_in(motion.provenance) == pytest.approx(max(scores), abs=2e-3)


def test_nobody_can_tell_of_a_motion_that_is_too_short(encoder):
    assert PromptMatcher().match("a", walking_motion(4), encoder) is None


def test_a_damaged_file_is_an_error(tmp_path):
    (tmp_path / "evaluator.safetensors").write_bytes(b"no weights")
    with pytest.raises(PlacidError, match="install Placid again"):
        PromptMatcher(tmp_path / "evaluator.safetensors")
