"""Schedule, filter, drawing and noise."""

import numpy as np
import pytest
import torch
from goldens import Golden

from backend.generation.samplers.noise import SeededNoise
from backend.generation.samplers.steps import (
    bottom_k_mask,
    cosine_schedule,
    drop_unlikely,
    gumbel_sample,
    kept_classes,
    mask_counts,
    times,
)


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_mask")


@pytest.mark.parametrize("threshold", ["0.9", "0.5", "0.0", "0.95", "0.33"])
def test_drop_unlikely(golden, threshold):
    found = drop_unlikely(golden["topk_in"].numpy(), float(threshold))
    golden.check(f"topk_{threshold}", found)


def test_number_of_kept_classes(golden):
    table = golden["topk_k_table"]
    found = [[v, kept_classes(0.9, v)] for v in table[:, 0].tolist()]
    golden.check("topk_k_table", np.array(found))


def test_schedule(golden):
    lengths = np.arange(1, 50)
    golden.check("sched_t", times(10))
    golden.check("sched_cos", cosine_schedule(times(10)))
    for name, steps in (("sched_counts", 10), ("sched_counts18", 18)):
        found = [mask_counts(share, lengths) for share in cosine_schedule(times(steps))]
        golden.check(name, np.stack(found))


def test_nothing_is_masked_where_nothing_may_be():
    assert mask_counts(0.5, np.array([0, 1, 4])).tolist() == [0, 1, 2]


def test_equal_scores_take_the_first():
    mask = bottom_k_mask(np.zeros((1, 40), np.float32), np.array([3]))
    assert np.flatnonzero(mask[0]).tolist() == [0, 1, 2]


def test_drawing_follows_the_distribution():
    share = np.array([0.5, 0.3, 0.2, 0.0], np.float32)
    uniforms = SeededNoise([0]).uniforms([20_000], 20_000, 4)[0]
    with np.errstate(divide="ignore"):
        drawn = gumbel_sample(np.tile(np.log(share), (20_000, 1)), uniforms, 1.0)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 20_000, share, atol=0.02)


@pytest.mark.parametrize("seed", [0, 7, 2**31 + 5, 2**32 - 1, 2**40 + 3])
def test_seeds_give_the_numbers_that_torch_draws(seed):
    """So motions keep the seeds that they had when PyTorch drew the noise."""
    noise, generator = SeededNoise([seed]), torch.Generator().manual_seed(seed)
    for count, classes in ((5, 512), (1, 50), (49, 513)):
        wanted = torch.rand(count, classes, generator=generator).numpy()
        np.testing.assert_array_equal(noise.uniforms([count], count, classes)[0], wanted)


def test_a_sample_draws_the_same_numbers_in_any_batch():
    alone, batch = SeededNoise([7]), SeededNoise([3, 7])
    for _ in range(2):
        one = alone.uniforms([2], 2, 5)
        two = batch.uniforms([6, 2], 6, 5)
        np.testing.assert_array_equal(one[0], two[1, :2])


def test_noise_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one seed per sample"):
        SeededNoise([1]).uniforms([1, 1], 1, 4)
