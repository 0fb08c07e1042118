"""Schedule, filter, drawing and noise."""

import pytest
import torch
from goldens import Golden

from backend.models.noise import RecordedNoise, SeededNoise
from backend.models.sampling import (
    bottom_k_mask,
    cosine_schedule,
    gumbel_sample,
    kept_classes,
    mask_counts,
    top_k_filter,
)


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_mask")


@pytest.mark.parametrize("threshold", ["0.9", "0.5", "0.0", "0.95", "0.33"])
def test_top_k_filter(golden, threshold):
    golden.check(f"topk_{threshold}", top_k_filter(golden["topk_in"], float(threshold)))


def test_number_of_kept_classes(golden):
    table = golden["topk_k_table"]
    golden.check(
        "topk_k_table", torch.tensor([[v, kept_classes(0.9, v)] for v in table[:, 0].tolist()])
    )


def test_schedule(golden):
    t = torch.linspace(0, 1, 10)
    lengths = torch.arange(1, 50)
    golden.check("sched_t", t)
    golden.check("sched_cos", cosine_schedule(t))
    for name, steps in (("sched_counts", 10), ("sched_counts18", 18)):
        shares = cosine_schedule(torch.linspace(0, 1, steps))
        golden.check(name, torch.stack([mask_counts(share, lengths) for share in shares]))


def test_nothing_is_masked_where_nothing_may_be():
    assert mask_counts(0.5, torch.tensor([0, 1, 4])).tolist() == [0, 1, 2]


def test_equal_scores_take_the_first():
    assert bottom_k_mask(torch.zeros(1, 40), torch.tensor([3])).nonzero()[:, 1].tolist() == [
        0,
        1,
        2,
    ]


def test_drawing_follows_the_distribution():
    share = torch.tensor([0.5, 0.3, 0.2, 0.0])
    uniforms = torch.rand(20_000, 4, generator=torch.Generator().manual_seed(0))
    drawn = gumbel_sample(share.log().expand(20_000, 4), uniforms, 1.0)
    found = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(found, share, atol=0.02, rtol=0)


def test_a_sample_draws_the_same_numbers_in_any_batch():
    alone = SeededNoise.from_seeds([7])
    batch = SeededNoise.from_seeds([3, 7])
    for _ in range(2):
        one = alone.uniforms([2], 2, 5)
        two = batch.uniforms([6, 2], 6, 5)
        assert torch.equal(one[0], two[1, :2])


def test_noise_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one generator per sample"):
        SeededNoise.from_seeds([1]).uniforms([1, 1], 1, 4)
    with pytest.raises(ValueError, match=r"\(1, 2, 3\)"):
        RecordedNoise([torch.rand(1, 2, 3)]).uniforms([2], 2, 4)
