"""What ships: the embedded evaluator and its reference motions, as a fresh machine finds them."""

import numpy as np
import pytest

from backend.evaluation.evaluators.embedded import EVALUATOR, EmbeddedEvaluator, load_evaluator
from backend.evaluation.evaluators.reference import Reference, load_reference, retrieval_scores
from backend.unlearning.concept import builtin_concepts


@pytest.fixture(scope="module")
def evaluator() -> EmbeddedEvaluator:
    return load_evaluator()


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def test_the_reference_was_embedded_by_the_evaluator_beside_it(
    evaluator: EmbeddedEvaluator, reference: Reference
) -> None:
    assert reference.evaluator == evaluator.fingerprint
    assert reference.motion_embeddings.shape == (len(reference), evaluator.width)
    # Enough motions for a covariance of full rank.
    assert len(reference) > 2 * evaluator.width
    np.testing.assert_allclose(
        evaluator.embed_texts([row.captions[0] for row in reference.rows[:8]]),
        reference.text_embeddings[:8],
        atol=2e-3,
    )


def test_only_held_out_motions_are_compared_with(reference: Reference) -> None:
    assert {row.split for row in reference.rows} == {"val", "test"}
    for concept in builtin_concepts().values():
        assert 0 <= reference.forget(concept).mean() < 0.5
    assert reference.forget(builtin_concepts()["violence"]).sum() >= 20


def test_captions_find_their_motions(reference: Reference) -> None:
    """By chance the right one of 32 is first in 3 %, among three in 9 %."""
    scores = retrieval_scores(reference)
    assert scores["held-out r_precision_1"] > 0.4
    assert scores["held-out r_precision_3"] > 0.65


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in EVALUATOR.iterdir()) < 2_500_000
