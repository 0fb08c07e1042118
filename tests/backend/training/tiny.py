"""Networks and clips that are small enough to train on in milliseconds."""

import numpy as np
import torch

from backend.datasets.actions import Action
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.models.configs import RVQConfig
from backend.models.rvqvae import RVQVAE
from backend.motion.features import FEATURES, motion_to_features
from shared.motion.skeleton import FEATURE_OFFSETS
from tests.backend.datasets.motions import kicking, walking

NUMBER, FRAME = 0, 1  # columns of `marked_clip`


def tiny_rvq(seed: int = 0) -> RVQVAE:
    """An RVQ-VAE of three layers of eight codes, with codebooks that tell motions apart."""
    torch.manual_seed(seed)
    config = RVQConfig(codes=8, code_dim=8, width=8, quantizers=3, depth=1, dropout=0.0)
    network = RVQVAE(config)
    for layer in network.quantizer.codebooks:
        layer.codebook.normal_(std=0.3)
    network.mark_initialised()
    return network


def marked_clip(
    number: int,
    kind: str,
    frames: int = 100,
    split: str = "train",
    source: str = "toy",
    core: tuple[int, int] | None = None,
) -> PreparedClip:
    """A clip of one action whose rows tell the clip's number and their own."""
    rows = np.zeros((frames, FEATURES), np.float32)
    rows[:, NUMBER], rows[:, FRAME] = number, np.arange(frames)
    segment = Segment(0, frames, Action(kind), core=core)
    return PreparedClip(f"{source}{number}", source, split, "plain", rows, (segment,))


def moving_clips(frames: int = 100) -> list[PreparedClip]:
    """Clips of a body that walks, turns and strikes, and one of each held out."""
    motions = {
        "walk_forward": walking(frames + 1),
        "turn_left": walking(frames + 1, turn=90),
        "kick": kicking(frames + 1, [40]),
        "punch": kicking(frames + 1, [50], side="left"),
        "boxing": kicking(frames + 1, [30, 60]),
    }
    made = []
    for split in ("train", "val"):
        for kind, joints in motions.items():
            rows = motion_to_features(joints, FEATURE_OFFSETS)
            segment = Segment(0, frames, Action(kind))
            made.append(PreparedClip(f"{split} {kind}", "toy", split, "plain", rows, (segment,)))
    return made
