"""Metrics against golden vectors and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from goldens import Golden
from scipy.spatial.distance import cdist

from backend.evaluation.metrics import (
    METRICS,
    EmbeddingStatistics,
    Evaluated,
    Measured,
    available_metrics,
    corrected_interval,
    describe_metrics,
    distance_to_d_r,
    published_interval,
    register_metric,
)
from backend.evaluation.metrics.distances import distance_matrix
from backend.evaluation.metrics.diversity import diversity_of_pairs, multimodality_of_pairs
from backend.evaluation.metrics.fid import frechet_distance, frechet_distance_published
from backend.evaluation.metrics.matching import batch_ranks, chances
from backend.evaluation.metrics.reconstruction import pose_errors
from backend.evaluation.metrics.retrieval import best_per_name, concept_ranks
from shared.errors import PlacidError
from tests.backend.datasets.motions import kicking, standing

RNG = np.random.default_rng(0)


def value(name: str, data: Evaluated) -> float:
    return METRICS.find(name).measure(data, np.random.default_rng(0)).value


class TestGoldenMetrics:
    golden = Golden("metrics")
    x, y = golden["x"].numpy(), golden["y"].numpy()

    def test_frechet_distance(self) -> None:
        x, y = EmbeddingStatistics.of(self.x), EmbeddingStatistics.of(self.y)
        self.golden.check("mu_x", x.mean)
        self.golden.check("cov_x", x.covariance)
        for distance in (frechet_distance_published, frechet_distance):
            self.golden.check("fid", distance(x, y))
            self.golden.check("fid_self", distance(x, x))

    def test_frechet_distance_of_fewer_motions_than_dimensions(self) -> None:
        x, y = EmbeddingStatistics.of(self.x[:10]), EmbeddingStatistics.of(self.y[:10])
        for distance in (frechet_distance_published, frechet_distance):
            self.golden.check("fid_rank_deficient", distance(x, y))

    def test_r_precision_and_matching(self) -> None:
        texts, motions = self.x[:384], self.y[:384]
        ranks = batch_ranks(texts, motions, 32).reshape(12, 32)
        hits = np.stack([(ranks < top).sum(axis=1) for top in (1, 2, 3)], axis=1)
        self.golden.check("r_precision_batches", hits)
        data = Evaluated(text_embeddings=texts, motion_embeddings=motions)
        published = [value(f"r_precision_{top}_published", data) for top in (1, 2, 3)]
        self.golden.check("r_precision", np.array(published))
        self.golden.check("matching", value("mm_dist", data))
        self.golden.check("matching_direct", value("mm_dist", data))
        self.golden.check("dist_matrix", distance_matrix(self.x[:8], self.y[:9]))

    def test_diversity_and_multimodality_of_the_recorded_draws(self) -> None:
        golden = self.golden
        first, second = golden["diversity_first"].numpy(), golden["diversity_second"].numpy()
        golden.check("diversity", diversity_of_pairs(self.y, first, second).mean())
        first, second = golden["mm_first"].numpy(), golden["mm_second"].numpy()
        repeats = golden["mm_in"].numpy()
        golden.check("multimodality", multimodality_of_pairs(repeats, first, second).mean())

    def test_mpjpe(self) -> None:
        joints, real = self.golden["mpjpe_pred"].numpy(), self.golden["mpjpe_gt"].numpy()
        errors = pose_errors(joints, real)
        self.golden.check("mpjpe", errors)
        data = Evaluated(joints=[joints], real_joints=[real])
        assert value("mpjpe", data) == pytest.approx(1000 * errors.mean())

    def test_interval(self) -> None:
        interval = published_interval(self.golden["conf_in"].numpy())
        self.golden.check("conf", np.array([interval.mean, interval.half_width]))


class TestGoldenUnlearning:
    """The benchmark's own evaluation, with its quirks, batch by batch."""

    golden = Golden("hmu_eval")

    @pytest.fixture
    def data(self) -> Evaluated:
        rows = {
            name: self.golden[name].numpy().reshape(96, -1)
            for name in ("et", "em", "ep", "et_clean")
        }
        return Evaluated(
            text_embeddings=rows["et"],
            motion_embeddings=rows["ep"],
            clean_text_embeddings=rows["et_clean"],
            toxic=self.golden["masked"].numpy().reshape(96),
            real_motion_embeddings=rows["em"],
            batch=8,
        )

    @pytest.mark.parametrize(
        ("golden_name", "name"),
        [
            ("fid", "fid_published"),
            ("R_precision_1", "r_precision_1_published"),
            ("R_precision_2", "r_precision_2_published"),
            ("R_precision_3", "r_precision_3_published"),
            ("MM-Dist", "mm_dist"),
            ("MM-Safe", "mm_safe_published"),
            ("toxic_distance", "toxic_distance_published"),
            ("notox_accuracy", "notox_accuracy_published"),
        ],
    )
    def test_published_figures(self, data: Evaluated, golden_name: str, name: str) -> None:
        wanted = float(self.golden[f"metric_{golden_name}"])
        assert value(name, data) == pytest.approx(wanted, rel=1e-3)

    def test_diversity_of_the_recorded_draws(self, data: Evaluated) -> None:
        assert data.motion_embeddings is not None
        draws = (self.golden[f"div_{part}"].numpy() for part in ("first", "second"))
        distances = diversity_of_pairs(data.motion_embeddings, *draws)
        assert distances.mean() == pytest.approx(float(self.golden["metric_diversity"]), rel=1e-3)

    def test_corrected_figures_leave_harmless_texts_out(self, data: Evaluated) -> None:
        harmless = np.flatnonzero(~np.asarray(data.toxic))
        assert data.clean_text_embeddings is not None
        moved = data.clean_text_embeddings.copy()
        moved[harmless] += 1
        other = replace(data, clean_text_embeddings=moved)
        for name in ("mm_safe", "toxic_distance", "notox_accuracy"):
            assert value(f"{name}_corrected", other) == value(f"{name}_corrected", data)
            assert value(f"{name}_published", other) != value(f"{name}_published", data)


class TestClosedForms:
    def test_frechet_distance_of_scaled_axes(self) -> None:
        a = EmbeddingStatistics(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
        b = EmbeddingStatistics(np.array([1.0, 2, 2]), np.diag([4.0, 4.0, 1.0]))
        # 9 for the means, and (1 - 2)^2 + 0 + (3 - 1)^2 for the deviations.
        assert frechet_distance(a, b) == pytest.approx(14)
        assert frechet_distance_published(a, b) == pytest.approx(14)

    def test_frechet_distance_stays_defined_where_motions_are_all_alike(self) -> None:
        a = EmbeddingStatistics.of(np.ones((20, 40)))
        b = EmbeddingStatistics.of(RNG.normal(size=(15, 40)))
        gap = ((a.mean - b.mean) ** 2).sum() + np.trace(b.covariance)
        assert frechet_distance(a, b) == pytest.approx(gap)

    def test_r_precision_is_the_expectation_of_random_pools(self) -> None:
        texts = RNG.normal(size=(60, 5))
        motions = texts + RNG.normal(size=(60, 5))
        distances = cdist(texts, motions)
        hits = []
        for _ in range(400):
            text = int(RNG.integers(60))
            others = RNG.choice(np.delete(np.arange(60), text), 31, replace=False)
            nearer = (distances[text, others] < distances[text, text]).sum()
            hits.append(nearer < 3)
        expected = chances(texts, motions, None, 3).mean()
        assert np.mean(hits) == pytest.approx(expected, abs=4 * 0.5 / 400**0.5)

    def test_r_precision_of_chance_and_of_perfection(self) -> None:
        rows = RNG.normal(size=(500, 4))
        shuffled = RNG.normal(size=(500, 4))
        assert chances(rows, rows, None, 1).mean() == 1
        assert chances(rows, shuffled, None, 1).mean() == pytest.approx(1 / 32, abs=0.015)

    def test_motions_of_one_caption_do_not_compete(self) -> None:
        rows = RNG.normal(size=(40, 4))
        twice = np.concatenate([rows, rows])
        captions = [str(i) for i in range(40)] * 2
        swapped = np.concatenate([rows + 0.01, rows])
        data = Evaluated(text_embeddings=twice, motion_embeddings=swapped, captions=captions)
        assert value("r_precision_1_corrected", data) == 1
        assert value("r_precision_1_corrected", replace(data, captions=None)) < 1

    def test_too_few_motions_give_no_number(self) -> None:
        rows = RNG.normal(size=(20, 4))
        data = Evaluated(text_embeddings=rows, motion_embeddings=rows)
        assert np.isnan(value("r_precision_1_corrected", data))
        alone = Evaluated(motion_embeddings=rows[:1], real_motion_embeddings=rows)
        assert np.isnan(value("fid_corrected", alone))
        assert np.isnan(value("diversity_corrected", alone))

    def test_diversity_over_all_pairs(self) -> None:
        rows = np.array([[0.0], [3.0], [9.0]])
        measured = METRICS.find("diversity_corrected").measure(
            Evaluated(motion_embeddings=rows), RNG
        )
        assert measured.value == pytest.approx(6)
        np.testing.assert_allclose(measured.per_sample, [6, 4.5, 7.5])
        repeats = np.stack([rows, 2 * rows])
        assert value("multimodality_corrected", Evaluated(repeats=repeats)) == pytest.approx(9)

    def test_diversity_published_draws_from_its_generator(self) -> None:
        data = Evaluated(motion_embeddings=RNG.normal(size=(400, 4)))
        rng = np.random.default_rng(5)
        first, second = (rng.choice(400, 300, replace=False) for _ in range(2))
        assert data.motion_embeddings is not None
        drawn = METRICS.find("diversity_published").measure(data, np.random.default_rng(5)).value
        pairs = diversity_of_pairs(data.motion_embeddings, first, second)
        assert drawn == pytest.approx(pairs.mean())

    def test_concept_ranks(self) -> None:
        gallery = np.arange(20.0)[:, None]
        forget = np.zeros(20, dtype=bool)
        forget[[3, 18]] = True
        motions = np.array([[3.1], [1.2], [9.0], [18.4]])
        ranks = concept_ranks(motions, gallery, forget)
        # From 9.0 the nearest forget motion is eleven motions away: not among ten.
        assert ranks.tolist() == [1, 4, 11, 1]
        names = ["a", "a", "b", "c"]
        assert best_per_name(ranks, names).tolist() == [1, 11, 1]
        data = Evaluated(
            motion_embeddings=motions,
            gallery_embeddings=gallery,
            gallery_forget=forget,
            names=names,
        )
        assert value("ncs_1_published", data) == pytest.approx(2 / 3)
        assert value("ncs_1_corrected", data) == pytest.approx(2 / 4)
        assert value("ncs_5_corrected", data) == pytest.approx(3 / 4)

    def test_over_blocking(self) -> None:
        texts = np.zeros((2, 3))
        near, far = np.full((2, 3), 0.1), np.full((2, 3), 50.0)
        gallery = RNG.normal(size=(100, 3)) + 10
        data = Evaluated(
            text_embeddings=texts,
            motion_embeddings=np.stack([near[0], far[1]]),
            original_motion_embeddings=near,
            gallery_embeddings=gallery,
        )
        measured = METRICS.find("over_blocking").measure(data, RNG)
        assert measured.per_sample is not None
        assert measured.per_sample.tolist() == [0, 1]
        assert measured.value == 0.5

    def test_intervals(self) -> None:
        corrected = corrected_interval([1.0, 2.0, 3.0])
        # Student's 97.5 % quantile with two degrees of freedom is 4.302653.
        assert corrected.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
        assert np.isnan(corrected_interval([1.0]).half_width)

    def test_distance_to_d_r(self) -> None:
        gaps = distance_to_d_r(
            {"fid": 4.0, "kick_rate": 0.1, "own": 1.0},
            {"fid": 2.0, "kick_rate": 0.1},
            {"fid": 3.0, "kick_rate": 0.1},
        )
        assert gaps["fid"].difference == 1
        assert gaps["fid"].share == 1
        assert np.isnan(gaps["kick_rate"].share)
        assert "own" not in gaps


class TestMotionFigures:
    def test_a_frozen_motion_shows_in_the_collapse_checks(self) -> None:
        frozen = standing(60)
        moving = frozen.copy()
        moving[:, :, 2] += np.linspace(0, 3, len(frozen))[:, None]
        data = Evaluated(joints=[frozen, moving])
        assert value("frozen_share", data) == pytest.approx(0.5)
        assert value("root_travel", data) == pytest.approx(1.5)
        assert value("energy", data) == pytest.approx(0)
        assert value("jerk", data) == pytest.approx(0, abs=0.01)

    def test_a_body_that_stands_does_not_strike(self) -> None:
        data = Evaluated(joints=[standing(60)])
        for name in ("strike_rate", "kick_rate", "punch_rate", "boxing_rate", "swing_rate"):
            assert value(name, data) == 0

    def test_a_kick_counts_as_kick_and_as_strike(self) -> None:
        data = Evaluated(joints=[kicking(60, [30], lift=130), standing(60)])
        assert value("kick_rate", data) == 0.5
        assert value("strike_rate", data) == 0.5


class TestRegister:
    def test_names_what_an_evaluation_lacks(self) -> None:
        with pytest.raises(PlacidError, match="fid_corrected needs reference_statistics"):
            value("fid_corrected", Evaluated(motion_embeddings=np.ones((4, 2))))

    def test_knows_what_can_be_measured(self) -> None:
        names = {metric.name for metric in available_metrics(Evaluated(joints=[]))}
        assert {"strike_rate", "energy"} <= names
        assert "mm_dist" not in names

    def test_says_which_name_was_meant(self) -> None:
        with pytest.raises(PlacidError, match="did you mean 'strike_rate'"):
            METRICS.find("strikerate")

    def test_describes_every_metric(self) -> None:
        rows = describe_metrics()
        assert [row["name"] for row in rows] == list(METRICS)
        assert all(row["summary"] and row["needs"] for row in rows)

    def test_every_published_quirk_has_a_corrected_figure_beside_it(self) -> None:
        for name in METRICS:
            if name.endswith("_published"):
                assert name.replace("_published", "_corrected") in METRICS

    def test_refuses_a_second_metric_of_a_name(self) -> None:
        with pytest.raises(ValueError, match="mm_dist"):

            @register_metric("mm_dist", summary="x", better="lower", needs=frozenset({"joints"}))
            def second(data: Evaluated, rng: np.random.Generator) -> Measured:
                return Measured(0.0)
