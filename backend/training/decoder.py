"""Trainer that refines the RVQ-VAE's decoder on frozen tokens, judged by the motion it makes.

The reconstruction loss weighs every feature on its own. What a viewer sees is their sum over time:
heading and path integrate the root velocities, and a foot slides when the local pose and the root
disagree. So this trainer compares joints in the world as well.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.datasets.features import CONTACTS, FEET
from backend.datasets.preparation import PreparedClip
from backend.models.rvqvae import RVQVAE
from backend.training.rvq import POSITIONS, RVQTask

WINDOW = 96
BATCH = 32


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


class DecoderTask(RVQTask):
    """Like `RVQTask`, for the decoder alone and longer windows."""

    name = "decoder"

    def __init__(
        self, network: RVQVAE, clips: Sequence[PreparedClip], mean: np.ndarray, std: np.ndarray
    ) -> None:
        super().__init__(network, clips, mean, std, BATCH, 1.0, WINDOW)
        network.encoder.requires_grad_(False)
        self._mean = torch.from_numpy(mean)
        self._std = torch.from_numpy(std)

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Smooth L1 over features, plus world joints (metres) and the speed of standing feet."""
        x = self.windows(rng)
        with torch.no_grad():
            self.network.eval()
            ids, _ = self.network.encode(x)
        self.network.decoder.train()
        y = self.network.decode(ids)
        features = F.smooth_l1_loss(y, x)
        positions = F.smooth_l1_loss(y[..., POSITIONS], x[..., POSITIONS])
        std, mean = self._std.to(x.device), self._mean.to(x.device)
        true, made = x * std + mean, y * std + mean
        joints, again = world_joints(true), world_joints(made)
        root = joints[:, :, :1]
        pose = ((again - again[:, :, :1]) - (joints - root)).abs().mean()
        travel = (again[:, :, 0] - root[:, :, 0]).abs().mean()
        speed = (again[:, 1:] - again[:, :-1]) - (joints[:, 1:] - joints[:, :-1])
        standing = true[:, :-1, CONTACTS] > 0.5
        slide = (speed[:, :, list(FEET)].abs().sum(-1) * standing).mean()
        loss = features + positions + 4 * pose + travel + 10 * speed.abs().mean() + 10 * slide
        return {
            "loss": loss,
            "features": features,
            "pose_m": pose,
            "travel_m": travel,
            "slide_m": slide,
        }

    def extra_state(self) -> dict[str, Tensor]:
        """The codebooks do not move here."""
        return {}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """The codebooks do not move here."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """MPJPE in mm per source, mean over validation clips."""
        return super().validate(network.eval())
