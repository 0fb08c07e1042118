"""Trainer of the RVQ-VAE (MoMask, section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.datasets import gestures
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import sources
from backend.models.rvqvae import RVQVAE
from backend.motion.features import CONTACTS, FEET, STANDS, features_to_joints
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_FRAMES, MIN_FRAMES
from backend.training.precision import mixed_precision
from backend.training.windows import Windows
from shared.motion.filters import maximum_filter1d
from shared.motion.skeleton import BONE_SUMS, PARENTS

WINDOW = 64
COMMIT_WEIGHT = 0.02
POSITIONS = slice(4, 67)
STRIKES = ("boxing", "kick", "punch")
LOW_PELVIS = 0.5  # metres
STILL = 0.01  # metres a frame (0.2 m/s), which no joint exceeds
_HEIGHT = 3
_VELOCITIES = slice(193, 259)
_ROUND_LOW = 21  # frames that a fall and getting up reach beyond, half before and half after
HANDS_AND_FEET = (7, 8, 20, 21)
FAST = 0.1  # metres a frame (2 m/s), at which a frame counts twice


@dataclass(frozen=True)
class WindowShares:
    """Shares of a batch's windows; what is left comes from classes in balance.

    Attributes:
        free: from all minutes, source by source.
        strikes: from strikes, on which the codebooks would spend no code else: they fill a
            hundredth of the data.
        low: from bodies near the ground (falls, getting up).
        still: from bodies that do not move.
    """

    free: float = 0.5
    strikes: float = 0.0
    low: float = 0.0
    still: float = 0.0


def _window_weights(clips: Sequence[PreparedClip], window: int) -> np.ndarray:
    """Chance of each clip: sources by the root of their minutes and their weight.

    Inside a source, classes with many minutes are damped by a square root.
    """
    kinds = [clip.segments[0].action.kind if clip.segments else "" for clip in clips]
    frames = np.array([len(clip.features) - window + 1 for clip in clips], dtype=np.float64)
    total = {kind: sum(frames[i] for i, k in enumerate(kinds) if k == kind) for kind in set(kinds)}
    weights = frames / np.sqrt([total[kind] for kind in kinds])
    own_weights = {name: source.weight for name, source in sources().items()}
    own_weights[gestures.SOURCE] = gestures.WEIGHT
    for source in {clip.source for clip in clips}:
        own = np.array([clip.source == source for clip in clips])
        share = own_weights.get(source, 1.0)
        weights[own] *= share * frames[own].sum() ** 0.5 / weights[own].sum()
    return weights / weights.sum()


def near_ground(rows: np.ndarray) -> np.ndarray:
    """bool (T,): frames of rows (T, 263) in or within half a second of a body that is down."""
    return maximum_filter1d(rows[:, _HEIGHT] < LOW_PELVIS, _ROUND_LOW)


def keeps_still(rows: np.ndarray) -> np.ndarray:
    """bool (T,): frames of rows (T, 263) in which no joint moves."""
    steps = rows[:, _VELOCITIES].reshape(len(rows), -1, 3)
    return np.linalg.norm(steps, axis=-1).max(axis=1) < STILL


def reconstruct(network: RVQVAE, rows: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Features (T', 263) that the network makes of features (T, 263), T' whole tokens."""
    device = next(network.parameters()).device
    x = torch.from_numpy((rows - mean) / std).float()[None].to(device)
    with torch.no_grad():
        ids, _ = network.encode(x)
        result = network.decode(ids)[0].cpu().numpy()
    return result * std + mean


def reconstruction_error(original: np.ndarray, result: np.ndarray) -> float:
    """MPJPE in mm, root-aligned, between features (T, 263) of two motions (spec of MoMask)."""
    frames = min(len(original), len(result))
    a, b = features_to_joints(original[:frames]), features_to_joints(result[:frames])
    a, b = a - a[:, :1], b - b[:, :1]
    return float(np.linalg.norm(a - b, axis=-1).mean() * 1000)


def clip_errors(
    network: RVQVAE, clips: Sequence[PreparedClip], mean: np.ndarray, std: np.ndarray
) -> list[float]:
    """MPJPE in mm of every piece of up to 196 frames, the longest motion there is, of clips."""
    errors = []
    for clip in clips:
        for start in range(0, len(clip.features), MAX_FRAMES):
            rows = clip.features[start : start + MAX_FRAMES]
            rows = np.asarray(rows[: len(rows) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN])
            if len(rows) >= MIN_FRAMES:
                errors.append(reconstruction_error(rows, reconstruct(network, rows, mean, std)))
    return errors


def world_joints(rows: Tensor) -> Tensor:
    """Joints (b, T, 22, 3) of features (b, T, 263), differentiable (HumanML3D's recovery)."""
    angle = F.pad(rows[:, :-1, 0].cumsum(1), (1, 0)) * 2  # features hold half angles
    cos, sin = angle.cos()[..., None], angle.sin()[..., None]

    def turn(x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        # The features' frame is turned by +angle about Y; this turns back.
        return cos * x - sin * z, sin * x + cos * z

    step = F.pad(rows[:, :-1, 1:3], (0, 0, 1, 0))
    x, z = turn(step[..., :1], step[..., 1:])
    root_x, root_z = x.cumsum(1), z.cumsum(1)
    local = rows[..., POSITIONS].reshape(*rows.shape[:2], 21, 3)
    x, z = turn(local[..., 0], local[..., 2])
    body = torch.stack([x + root_x, local[..., 1], z + root_z], dim=-1)
    root = torch.stack([root_x, rows[..., 3:4], root_z], dim=-1)
    return torch.cat([root, body], dim=2)


def _bones(joints: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (b, T, 21, 3) and lengths (b, T, 21, 1) of the bones of joints (b, T, 22, 3)."""
    bones = joints[:, :, 1:] - joints[:, :, list(PARENTS[1:])]
    lengths = (bones.square().sum(-1, keepdim=True) + 1e-8).sqrt()
    return bones / lengths, lengths


def _frame_weights(local: Tensor) -> Tensor:
    """Weights (b, T - 1), 1 on average, of root-relative joints (b, T, 22, 3)."""
    ends = local[:, :, list(HANDS_AND_FEET)]
    fastest = (ends[:, 1:] - ends[:, :-1]).norm(dim=-1).amax(-1)
    weight = (1 + (fastest / FAST).square()).clamp(max=10)
    return weight / weight.mean()


class MotionLoss:
    """What a viewer sees of a reconstruction, which the features weigh one by one.

    Heading and path integrate the root velocities, and a foot slides when the local pose and the
    root disagree; so joints are compared in the world, in metres. A limb that falls short of where
    it should reach may not be stretched instead: the true bones are hung on the directions made.
    Frames in which hands or feet are fast weigh more: a strike is over in three of them.
    """

    def __init__(
        self, mean: np.ndarray, std: np.ndarray, device: torch.device | str = "cpu"
    ) -> None:
        self._mean = torch.from_numpy(mean).to(device)
        self._std = torch.from_numpy(std).to(device)
        self._sums = torch.from_numpy(BONE_SUMS).to(device)

    def __call__(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Normalised features (b, T, 263) and their reconstruction; `loss` weighs the figures."""
        true, made = x * self._std + self._mean, y * self._std + self._mean
        joints, again = world_joints(true), world_joints(made)
        (_, lengths), (directions, made_lengths) = _bones(joints), _bones(again)
        again = again[:, :, :1] + self._sums @ (directions * lengths)
        root = joints[:, :, :1]
        weight = _frame_weights(joints - root)
        pose = ((again - again[:, :, :1]) - (joints - root)).abs().mean((2, 3))
        pose = (pose * F.pad(weight, (1, 0), value=1.0)).mean()
        travel = (again[:, :, 0] - root[:, :, 0]).abs().mean()
        speed = (again[:, 1:] - again[:, :-1]) - (joints[:, 1:] - joints[:, :-1])
        standing = true[:, :-1, CONTACTS] > STANDS
        slide = (speed[:, :, list(FEET)].abs().sum(-1) * standing).mean()
        bones = (made_lengths - lengths).abs().mean()
        # The square makes the few frames of a strike count, where all of its speed is.
        speeds = 10 * (speed.abs().mean((2, 3)) * weight).mean() + 100 * speed.square().mean()
        loss = 4 * pose + travel + speeds + 10 * slide + 10 * bones
        return {
            "loss": loss,
            "pose_m": pose,
            "travel_m": travel,
            "slide_m": slide,
            "bones_m": bones,
        }


class RVQTask:
    """Reconstruct windows of 64 frames; validate by MPJPE per source on whole clips."""

    name = "rvq"

    def __init__(
        self,
        network: RVQVAE,
        clips: Sequence[PreparedClip],
        mean: np.ndarray,
        std: np.ndarray,
        batch: int = 64,
        position_weight: float = 0.5,
        window: int = WINDOW,
        shares: WindowShares = WindowShares(),
    ) -> None:
        """`position_weight` weighs the local joint positions once more, 0.5 as published."""
        self.network = network
        self.mean, self.std = mean, std
        self.batch, self.position_weight = batch, position_weight
        network.expect(batch * window // FRAMES_PER_TOKEN)
        device = next(network.parameters()).device
        self._scale = torch.from_numpy(mean).to(device), torch.from_numpy(std).to(device)
        own = [c for c in clips if c.split == "train" and len(c.features) >= window]
        self._windows = Windows(own, window, device)
        places = [
            (self._windows.anywhere(_window_weights(own, window).tolist()), shares.free),
            (self._windows.over_actions(STRIKES), shares.strikes),
            (self._windows.where(near_ground), shares.low),
            (self._windows.where(keeps_still), shares.still),
        ]
        self.places = [(place, round(share * batch)) for place, share in places if place]
        rest = batch - sum(count for _, count in self.places)
        self.places.append((self._windows.over_actions(), rest))
        self._motion_loss = MotionLoss(mean, std, device)
        # Held-out clips are many and much alike: an even choice of 20 per source is enough here.
        self.held_out: dict[str, list[PreparedClip]] = {}
        for source in sorted({clip.source for clip in clips}):
            own = [c for c in clips if c.source == source and c.split == "val"]
            self.held_out[source] = own[:: max(1, len(own) // 20)]

    def windows(self, rng: np.random.Generator) -> Tensor:
        """A batch of normalised training windows (batch, window, 263)."""
        starts = np.concatenate([places.draw(count, rng) for places, count in self.places])
        # Codes out of use are reset to the first vectors of a batch: those must be any.
        mean, std = self._scale
        return (self._windows.gather(rng.permutation(starts)) - mean) / std

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Smooth L1 over all features, again over positions, the motion seen, the commitment."""
        x = self.windows(rng)
        with mixed_precision(x.device):
            output = self.network(x)
        everything = F.smooth_l1_loss(output.reconstruction, x)
        positions = F.smooth_l1_loss(output.reconstruction[..., POSITIONS], x[..., POSITIONS])
        motion = self._motion_loss(x, output.reconstruction)
        loss = everything + self.position_weight * positions + motion.pop("loss")
        return {
            "loss": loss + COMMIT_WEIGHT * output.commit_loss,
            **motion,
            "reconstruction": everything,
            "commit": output.commit_loss,
            "perplexity": output.perplexity,
        }

    def validate(self, network: nn.Module) -> dict[str, float]:
        """MPJPE in mm per source, mean over validation clips."""
        assert isinstance(network, RVQVAE)
        return {
            f"mpjpe_{source}": float(np.mean(clip_errors(network, clips, self.mean, self.std)))
            for source, clips in self.held_out.items()
            if clips
        }

    def extra_state(self) -> dict[str, Tensor]:
        """The codebooks' moving sums and counts."""
        return self.network.training_state()

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Restore the codebooks' moving sums and counts."""
        self.network.load_training_state(state)
