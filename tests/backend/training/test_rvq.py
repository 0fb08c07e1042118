"""The RVQ-VAE's trainer: what a batch holds, what the loss sees, what is measured."""

import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.datasets.preparation import PreparedClip
from backend.motion.features import CONTACTS, FEATURES, features_to_joints, motion_to_features
from backend.training.loop import LoopOptions, train
from backend.training.rvq import (
    STRIKES,
    MotionLoss,
    RVQTask,
    WindowShares,
    _window_weights,
    clip_errors,
    reconstruct,
    world_joints,
)
from backend.training.windows import Windows
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT
from tests.backend.datasets.motions import kicking, walking
from tests.backend.training.tiny import FRAME, NUMBER, marked_clip, moving_clips, tiny_rvq

MEAN, STD = np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32)


class _Echo(nn.Module):
    """A network that gives back what it is shown, plus `off` in one column."""

    def __init__(self, column: int = 0, off: float = 0.0) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.column, self.off = column, off

    def encode(self, x: Tensor) -> tuple[Tensor, None]:
        """The motion instead of tokens."""
        return x, None

    def decode(self, ids: Tensor) -> Tensor:
        """The motion, off in one column."""
        made = ids.clone()
        made[..., self.column] += self.off
        return made


def task(clips: Sequence[PreparedClip], **options: float) -> RVQTask:
    return RVQTask(tiny_rvq(), clips, MEAN, STD, **options)  # type: ignore[arg-type]


def local(joint: str) -> slice:
    """The columns of a joint's place."""
    first = 4 + 3 * (JOINT[joint] - 1)
    return slice(first, first + 3)


@pytest.fixture
def walk() -> Tensor:
    """Features (1, 60, 263) of a body that goes round a corner."""
    rows = motion_to_features(walking(61, turn=90), FEATURE_OFFSETS)
    return torch.from_numpy(rows)[None]


@pytest.fixture
def motion_loss() -> MotionLoss:
    return MotionLoss(MEAN, STD)


class TestWindows:
    def test_the_asked_share_shows_strikes_each_as_often(self) -> None:
        kinds = ("walk_forward", *STRIKES)
        clips = [marked_clip(number, kind) for number, kind in enumerate(kinds)]
        asked = task(clips, batch=80, shares=WindowShares(0.7, 0.3))
        walk = Windows(clips, 64, "cpu").anywhere([1, 0, 0, 0])
        asked.places[0] = walk, asked.places[0][1]  # all other windows show the walk
        shown = asked.windows(np.random.default_rng(0))[:, 0, NUMBER].int().tolist()
        counts = Counter(shown)
        assert counts[0] == 56
        assert all(counts[number] >= 4 for number in (1, 2, 3))
        # Shuffled: codes out of use are reset to the first vectors of a batch.
        assert len(set(shown[:20])) > 1
        assert len(set(shown[-20:])) > 1

    def test_without_a_share_of_their_own_strikes_come_as_their_class_does(self) -> None:
        clips = [marked_clip(0, "walk_forward", 4000), marked_clip(1, "kick")]
        free = task(clips, batch=200, shares=WindowShares(1.0)).windows(np.random.default_rng(0))
        balanced = task(clips, batch=200, shares=WindowShares(0.0)).windows(
            np.random.default_rng(0)
        )
        kicks = [int((rows[:, 0, NUMBER] == 1).sum()) for rows in (free, balanced)]
        assert kicks[0] < 30
        assert kicks[1] > 45

    def test_depend_on_the_random_numbers_alone(self) -> None:
        clips = moving_clips()
        first, second = (task(clips, batch=16, shares=WindowShares(0.4, 0.3)) for _ in range(2))
        wanted = first.windows(np.random.default_rng(3))
        torch.manual_seed(5)
        np.random.seed(5)
        for again in (first, second):
            torch.testing.assert_close(
                again.windows(np.random.default_rng(3)), wanted, rtol=0, atol=0
            )
        assert not torch.equal(first.windows(np.random.default_rng(4)), wanted)

    def test_are_normalised_pieces_of_long_enough_training_clips(self) -> None:
        clips = [
            marked_clip(0, "run", 64),
            marked_clip(1, "run", 63),
            marked_clip(2, "run", split="val"),
            marked_clip(3, "run", 90),
        ]
        mean, std = np.full(FEATURES, 0.5, np.float32), np.full(FEATURES, 2.0, np.float32)
        rows = RVQTask(tiny_rvq(), clips, mean, std, batch=40).windows(np.random.default_rng(0))
        assert rows.shape == (40, 64, FEATURES)
        assert rows.dtype == torch.float32
        rows = rows * 2 + 0.5
        assert set(rows[..., NUMBER].unique().tolist()) == {0, 3}
        starts = rows[:, 0, FRAME]
        np.testing.assert_array_equal(rows[..., FRAME] - starts[:, None], [range(64)] * 40)
        assert starts.max() > 20

    def test_sources_keep_their_shares_and_long_classes_are_damped(self) -> None:
        clips = [
            marked_clip(0, "run", 163, source="cmu"),
            marked_clip(1, "jump", 463, source="cmu"),
            marked_clip(2, "kick", 63 + 2000, source="kaykit_cc0"),
            marked_clip(3, "bow", 63 + 80, source="toy"),
        ]
        weights = _window_weights(clips, 64)
        assert weights.sum() == pytest.approx(1)
        shares = np.array([weights[:2].sum(), weights[2], weights[3]])
        # By the root of their windows; what was animated by hand counts for a fifth.
        wanted = np.sqrt([500, 2000, 80]) * [1, 0.2, 1]
        np.testing.assert_allclose(shares, wanted / wanted.sum())
        assert weights[1] / weights[0] == pytest.approx(2)  # of four times the windows
        starts = task(clips).places[0][0].draw(20_000, np.random.default_rng(0))
        drawn, _ = np.histogram(starts, np.cumsum([0, 163, 463, 2063, 143]))
        np.testing.assert_allclose(drawn / 20_000, weights, atol=0.015)


class TestWorldJoints:
    def test_are_those_of_the_published_recovery(self) -> None:
        clips = [
            motion_to_features(joints, FEATURE_OFFSETS)
            for joints in (walking(41, turn=150), walking(41, turn=-60), kicking(41, [20]))
        ]
        rows = np.stack(clips).astype(np.float64)
        wanted = features_to_joints(rows)
        assert np.ptp(wanted[0, :, 0, 0]) > 0.3  # it does leave the straight line
        np.testing.assert_allclose(world_joints(torch.from_numpy(rows)), wanted, atol=1e-9)

    def test_carry_a_gradient_from_the_last_place_to_the_first_turn(self, walk: Tensor) -> None:
        walk.requires_grad_()
        world_joints(walk)[0, -1, 0, 0].backward()
        assert walk.grad is not None
        assert walk.grad.isfinite().all()
        assert walk.grad[0, 0, 0].abs() > 0.1


class TestMotionLoss:
    def test_is_nothing_for_the_motion_itself(self, walk: Tensor, motion_loss: MotionLoss) -> None:
        figures = motion_loss(walk, walk.clone())
        assert {name: float(value) for name, value in figures.items()} == pytest.approx(
            dict.fromkeys(("loss", "pose_m", "travel_m", "slide_m", "bones_m"), 0), abs=1e-4
        )

    def test_is_measured_in_metres_whatever_the_statistics(
        self, walk: Tensor, motion_loss: MotionLoss
    ) -> None:
        mean = np.full(FEATURES, 0.3, np.float32)
        std = np.linspace(0.5, 2, FEATURES, dtype=np.float32)
        made = walk + 0.01
        scaled = MotionLoss(mean, std)(
            *((rows - torch.from_numpy(mean)) / torch.from_numpy(std) for rows in (walk, made))
        )
        for name, value in motion_loss(walk, made).items():
            assert float(scaled[name]) == pytest.approx(float(value), rel=1e-3), name

    def test_is_measured_where_the_motion_is(self, walk: Tensor) -> None:
        figures = MotionLoss(MEAN, STD, "meta")(*[walk.to("meta")] * 2)  # meets no other device
        assert {value.device.type for value in figures.values()} == {"meta"}

    def test_grows_as_standing_feet_slide(self, walk: Tensor, motion_loss: MotionLoss) -> None:
        still = walk.clone()
        still[..., :3], still[..., CONTACTS] = 0, 1
        figures = []
        for metres in (0.0, 0.01, 0.02):
            made = still.clone()
            made[..., 2] += metres
            figures.append(motion_loss(still, made))
        slides = [float(figure["slide_m"]) for figure in figures]
        assert slides == pytest.approx([0, 0.01, 0.02], abs=1e-4)
        losses = [float(figure["loss"]) for figure in figures]
        assert losses[0] < losses[1] - 0.1 < losses[2] - 0.2

    def test_feet_in_the_air_may_move(self, walk: Tensor, motion_loss: MotionLoss) -> None:
        walk[..., CONTACTS] = 0
        made = walk.clone()
        made[..., 2] += 0.02
        figures = motion_loss(walk, made)
        assert float(figures["slide_m"]) == 0
        assert float(figures["travel_m"]) > 0.1

    def test_a_stretched_limb_does_not_count_as_reaching(
        self, walk: Tensor, motion_loss: MotionLoss
    ) -> None:
        made = walk.clone()
        wrist, elbow = local("left_wrist"), local("left_elbow")
        made[..., wrist] += 0.4 * (walk[..., wrist] - walk[..., elbow])
        figures = motion_loss(walk, made)
        forearm = (walk[..., wrist] - walk[..., elbow]).norm(dim=-1).mean()
        assert float(figures["bones_m"]) == pytest.approx(0.4 * float(forearm) / 21, rel=1e-3)
        assert float(figures["pose_m"]) == pytest.approx(0, abs=1e-5)

    def test_a_strike_weighs_more_than_standing_still(self, motion_loss: MotionLoss) -> None:
        rows = motion_to_features(kicking(61, [40]), FEATURE_OFFSETS)
        x = torch.from_numpy(rows)[None]
        errors = []
        for frame in (10, 38):
            made = x.clone()
            made[:, frame, local("head")] += torch.tensor([0.1, 0, 0])
            errors.append(float(motion_loss(x, made)["pose_m"]))
        assert errors[1] > 2 * errors[0]


class TestErrors:
    def test_every_long_enough_piece_has_one(self) -> None:
        rows = motion_to_features(walking(2 * 196 + 31), FEATURE_OFFSETS)
        for frames, pieces in ((2 * 196 + 30, 3), (196 + 23, 1), (27, 1), (23, 0)):
            clip = PreparedClip("a", "toy", "val", "plain", rows[:frames], ())
            errors = clip_errors(_Echo(), [clip], MEAN, STD)  # type: ignore[arg-type]
            assert errors == pytest.approx([0] * pieces, abs=1e-3)

    def test_are_millimetres_of_the_mean_joint_against_the_root(self) -> None:
        rows = motion_to_features(walking(81), FEATURE_OFFSETS)
        clip = PreparedClip("a", "toy", "val", "plain", rows, ())
        std = np.full(FEATURES, 0.5, np.float32)
        head = _Echo(local("head").start, 0.2)  # 0.1 m, one joint of 22
        height = _Echo(3, 0.2)  # the root by 0.1 m, so all others against it
        errors = [clip_errors(echo, [clip], MEAN, std)[0] for echo in (head, height)]  # type: ignore[arg-type]
        assert errors == pytest.approx([100 / 22, 100 * 21 / 22], rel=1e-3)

    def test_a_network_makes_whole_tokens(self) -> None:
        rows = motion_to_features(walking(32), FEATURE_OFFSETS)
        made = reconstruct(tiny_rvq().eval(), rows, MEAN + 2, STD * 3)
        assert made.shape == (28, FEATURES)
        plain = reconstruct(tiny_rvq().eval(), (rows - 2) / 3, MEAN, STD)
        np.testing.assert_allclose(made, plain * 3 + 2, atol=1e-5)


class TestTask:
    def test_validates_each_source_on_its_held_out_clips(self) -> None:
        clips = [*moving_clips(), marked_clip(9, "run", source="without")]
        judged = task(clips)
        network = judged.network.eval()
        figures = judged.validate(network)
        held_out = [clip for clip in clips if clip.split == "val"]
        assert figures == {
            "mpjpe_toy": pytest.approx(np.mean(clip_errors(network, held_out, MEAN, STD)))
        }
        assert figures == judged.validate(network)

    def test_every_part_of_the_network_learns(self) -> None:
        learning = task(moving_clips(), batch=8)
        codebooks = [layer.codebook.clone() for layer in learning.network.quantizer.codebooks]
        learning.network.train()
        torch.manual_seed(0)
        losses = learning.loss(np.random.default_rng(0))
        losses["loss"].backward()
        for name, weight in learning.network.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().max() > 0, name
        assert not torch.equal(codebooks[0], learning.network.quantizer.codebooks[0].codebook)

    def test_resumes_with_the_codebooks_statistics(self, tmp_path: Path) -> None:
        class _Stopped(RVQTask):
            def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
                losses = super().loss(rng)  # has moved the codebooks' sums
                if (calls := getattr(self, "calls", 0)) == 4:
                    signal.raise_signal(signal.SIGINT)
                self.calls = calls + 1
                return losses

        clips = moving_clips()
        options = LoopOptions(8, 1e-3, warmup=2, average=0.9, validate_every=8)
        whole = RVQTask(tiny_rvq(), clips, MEAN, STD, batch=4)
        wanted = train(whole, options, tmp_path / "whole")
        with pytest.raises(KeyboardInterrupt):
            train(_Stopped(tiny_rvq(), clips, MEAN, STD, batch=4), options, tmp_path / "cut")
        resumed = RVQTask(tiny_rvq(seed=1), clips, MEAN, STD, batch=4)
        got = train(resumed, options, tmp_path / "cut")
        for first, second in (
            (wanted.state_dict(), got.state_dict()),
            (whole.network.state_dict(), resumed.network.state_dict()),
            (whole.extra_state(), resumed.extra_state()),
        ):
            for name, value in first.items():
                assert torch.equal(value, second[name]), name
