"""A tiny evaluator with made-up reference motions, and a tiny protocol."""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from safetensors.numpy import save

from backend.evaluation.benchmark import protocols
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.evaluators.embedded import save_evaluator
from backend.evaluation.evaluators.reference import LABELS, ROWS
from backend.generation.sampling import Sampling
from backend.models.matching import MatcherConfig, SentenceMatcher
from backend.text.sentence import SentenceEncoder

TINY: Final = Protocol(
    "tiny",
    "for tests",
    repeats=2,
    prompts=4,
    leakage=2,
    attacked=1,
    attack_steps=2,
    varied=1,
    variations=4,
    chunk=2,
    sampling=Sampling(steps=2),
    threads=1,
)
WIDTH: Final = 8
CAPTIONS: Final = ("a person walks on", "a person kicks a man", "he sits down", "she punches him")


def write_evaluator(folder: Path) -> None:
    """An evaluator with random weights and 16 random reference motions."""
    torch.manual_seed(0)
    network = SentenceMatcher(MatcherConfig(width=16, text_hidden=16, output=WIDTH))
    mean, std = np.zeros(263, np.float32), np.ones(263, np.float32)
    evaluator = save_evaluator(network, mean, std, SentenceEncoder(), folder)
    rows = [
        {
            "clip": f"clip {i}",
            "source": "made up",
            "split": "test",
            "kinds": ["walk_forward"],
            "frames": 24 + i,
            "captions": [CAPTIONS[i % 4]],
            "concepts": ["violence"] if i % 2 else [],
        }
        for i in range(16)
    ]
    embedded = np.random.default_rng(0).standard_normal((16, WIDTH))
    tensors = {
        "motion_embeddings": embedded.astype(np.float16),
        "text_embeddings": embedded.astype(np.float16),
        "mean": embedded.mean(axis=0),
        "covariance": np.cov(embedded, rowvar=False),
    }
    (folder / ROWS).write_bytes(save(tensors, {"evaluator": evaluator.fingerprint}))
    labels = {"evaluator": evaluator.fingerprint, "rows": rows}
    (folder / LABELS).write_bytes(msgspec.json.encode(labels))


def register() -> None:
    """Make the tiny protocol one that the command knows."""
    protocols.PROTOCOLS["tiny"] = TINY
