"""Reference motions: what is collected, what is kept, and what it says about the evaluator."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.actions import Action
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.evaluation.evaluators.reference import (
    collect_reference,
    load_reference,
    retrieval_scores,
    save_reference,
)
from backend.unlearning.concept import Concept, builtin_concepts
from shared.errors import PlacidError


class _Evaluator:
    """Embeds a motion by its last features, a caption by whether it speaks of kicking."""

    name, width, fingerprint = "toy", 4, "abc"

    def embed_motions(self, features: list[np.ndarray]) -> np.ndarray:
        return np.stack([rows[0, :4] for rows in features]).astype(np.float32)

    def embed_texts(self, captions: list[str]) -> np.ndarray:
        return np.array([[float("kick" in text), 0, 0, 1] for text in captions], np.float32)


def clips() -> list[PreparedClip]:
    """Sixty recordings of kicks and of walks, a third of them of the training split."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(120):
        kind = "kick" if number % 2 else "walk_forward"
        rows = np.zeros((64, 263), np.float32)
        rows[:, 0], rows[:, 1:4] = kind == "kick", rng.normal(size=3)
        made.append(
            PreparedClip(
                f"clip{number}",
                "toy",
                ("train", "val", "test")[number % 3],
                "plain",
                rows,
                (Segment(0, 64, Action(kind)),),
            )
        )
    return made


class TestReference:
    def test_takes_held_out_motions_in_balance(self) -> None:
        motions = collect_reference(clips(), seed=0)
        assert {motion.clip.split for motion in motions} == {"val", "test"}
        kinds = [motion.sample.actions[0].kind for motion in motions]
        assert kinds.count("kick") == kinds.count("walk_forward") == 30
        assert len({motion.clip.id for motion in motions}) == len(motions)

    def test_is_the_same_for_the_same_seed(self) -> None:
        first, second = (collect_reference(clips(), seed=3) for _ in range(2))
        assert [m.captions for m in first] == [m.captions for m in second]

    def test_comes_back_with_its_forget_sets(self, tmp_path: Path) -> None:
        saved = save_reference(collect_reference(clips(), seed=0), _Evaluator(), tmp_path)
        loaded = load_reference(tmp_path)
        assert loaded.rows == saved.rows
        np.testing.assert_array_equal(loaded.motion_embeddings, saved.motion_embeddings)
        kicks = np.array([row.kinds[0] == "kick" for row in loaded.rows])
        concept = builtin_concepts()["kick"]
        assert (loaded.forget(concept) == kicks).mean() > 0.9
        own = Concept("walking", ("walk", "stroll", "march", "stride", "pace"))
        assert loaded.forget(own)[kicks].sum() == 0
        assert loaded.forget(own)[~kicks].any()
        half = loaded.select(kicks)
        np.testing.assert_allclose(half.statistics.mean, half.motion_embeddings.mean(0), rtol=1e-5)

    def test_scores_the_evaluator(self, tmp_path: Path) -> None:
        reference = save_reference(collect_reference(clips(), seed=0), _Evaluator(), tmp_path)
        scores = retrieval_scores(reference)
        assert set(scores) == {
            f"{part} r_precision_{top}" for part in ("held-out", "val", "test") for top in (1, 2, 3)
        }

    def test_damage_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PlacidError, match="reference motions in"):
            load_reference(tmp_path)
        save_reference(collect_reference(clips(), seed=0), _Evaluator(), tmp_path)
        (tmp_path / "reference.json").write_text('{"evaluator": "abc", "rows": []}')
        with pytest.raises(PlacidError, match="differs in size"):
            load_reference(tmp_path)
