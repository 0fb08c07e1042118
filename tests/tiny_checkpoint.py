"""A checkpoint of random networks that are small enough to generate in milliseconds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sample_motions import walking_motion

from backend.checkpoints.saving import save_checkpoint
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.length import LengthEstimator
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from backend.motion.features import FEATURES, motion_to_features
from shared.motion.skeleton import FEATURE_OFFSETS

TEXT = 16
_SIZES = {"codes": 32, "code_dim": 16, "width": 24, "heads": 2, "ff": 32, "layers": 1}


class HashedWords:
    """A text encoder without weights: a prompt's vector is drawn with its characters as seed."""

    name = "hashed words"
    width = TEXT

    def encode(self, prompts: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng([ord(c) for c in text]).normal(size=TEXT) for text in prompts]
        return np.array(rows, np.float32).reshape(len(prompts), TEXT)

    def unload(self) -> None:
        """There are no weights."""


def write_tiny_checkpoint(folder: Path, guidance: float | None = None) -> Path:
    """Networks whose decoded motion is a body that trembles as it moves along."""
    torch.manual_seed(0)
    networks = {
        "rvq": RVQVAE(RVQConfig(codes=32, code_dim=16, width=24)),
        "masked": MaskTransformer(MaskedConfig(**_SIZES, text_dim=TEXT)),
        "residual": ResidualTransformer(ResidualConfig(**_SIZES, text_dim=TEXT)),
        "bamm": BAMM(BAMMConfig(**_SIZES, text_dim=TEXT)),
        "length": LengthEstimator(LengthConfig(text_dim=TEXT)),
    }
    for layer in networks["rvq"].quantizer.layers:
        layer.codebook.normal_()
    rows = motion_to_features(walking_motion(60).joints, FEATURE_OFFSETS)
    mean = rows.mean(axis=0).astype(np.float32)
    std = np.full(FEATURES, 0.02, np.float32)
    for network in networks.values():
        network.eval()
        if not isinstance(network, RVQVAE):
            _sharpen(network)
    save_checkpoint(folder, networks, mean, std, HashedWords.name, {}, torch.float32, guidance)
    return folder


def _sharpen(network: torch.nn.Module) -> None:
    """Make the prompt and the settings matter, which fresh weights hardly let them."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.mul_(2)
