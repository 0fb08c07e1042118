"""Trainer of the embedded evaluator: contrastive matching of motions and sentences.

InfoNCE over the batch (van den Oord et al. 2018), in both directions, instead of the published
margin loss: that one compares a text with a single wrong motion, InfoNCE with all others of the
batch, which a network this small and a training this short cannot do without.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.datasets.preparation import load_prepared
from backend.datasets.samples import Sample
from backend.evaluation.evaluators.embedded import save_evaluator
from backend.evaluation.evaluators.reference import (
    collect_reference,
    retrieval_scores,
    save_reference,
)
from backend.evaluation.metrics.matching import chances
from backend.evaluation.metrics.registry import Measured
from backend.models.device import choose_device
from backend.models.matching import CONTACTS, UNIT, MatcherConfig, SentenceMatcher
from backend.motion.lengths import MAX_FRAMES
from backend.text.sentence import SentenceEncoder
from backend.training.captions import CaptionEncoder
from backend.training.loop import LoopOptions, train
from backend.training.precision import mixed_precision
from backend.training.tokens import distinct, draw_captions, draw_samples, stored_vectors

TEMPERATURE: Final = 0.1
VALIDATION_SAMPLES: Final = 400
# A batch is drawn from so many times its size of samples that are nearest in length.
NEIGHBOURHOOD: Final = 8
_SMALLEST_STD: Final = 1e-3


class MotionTexts:
    """Samples of one split, normalised and padded in half precision, with caption vectors.

    Attributes:
        motion: float16 (N, 196, 263), zero behind the end.
        lengths: int64 (N,), frames.
        captions: int64 (N, wordings), rows of `vectors`.
        vectors: float16 (M, text_dim).
        texts: the M captions.
        labels: int64 (N,); samples of the same actions and sides share one.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        mean: np.ndarray,
        std: np.ndarray,
        seed: int,
        encoder: SentenceEncoder,
        vectors: Path,
    ) -> None:
        self.motion = np.zeros((len(samples), MAX_FRAMES, len(mean)), dtype=np.float16)
        for row, sample in zip(self.motion, samples, strict=True):
            row[: len(sample.features)] = (sample.features - mean) / std
        self.lengths = np.array([len(sample.features) for sample in samples])
        worded = draw_captions(samples, range(len(samples)), seed)
        self.captions, self.texts = distinct(worded)
        self.vectors = stored_vectors(self.texts, encoder, vectors)
        numbers: dict[tuple[tuple[str, str | None], ...], int] = {}
        keys = [tuple((a.kind, a.side) for a in sample.actions) for sample in samples]
        self.labels = np.array([numbers.setdefault(key, len(numbers)) for key in keys])

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, rows: np.ndarray, wording: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Motions (b, T, 263), lengths (b,) and text vectors (b, text_dim) of rows (b,)."""
        vectors = self.vectors[self.captions[rows, wording]]
        lengths = self.lengths[rows]
        # The convolutions see four frames beyond an end; more zeros than these change nothing.
        frames = min(MAX_FRAMES, lengths.max() + 2 * UNIT)
        return (
            torch.from_numpy(self.motion[rows, :frames]).float(),
            torch.from_numpy(lengths),
            torch.from_numpy(vectors).float(),
        )


def contrastive_loss(motions: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
    """InfoNCE of unit vectors (b, d) row by row, both ways.

    Rows of one label (b,) describe the same actions: they are no wrong answers to each other.
    """
    scores = motions @ texts.T / TEMPERATURE
    same = labels[:, None] == labels[None, :]
    same.fill_diagonal_(False)
    scores = scores.masked_fill(same, float("-inf"))
    target = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2


class EvaluatorTask:
    """Match captions and motions of the training split; validate by R-precision."""

    name = "evaluator"

    def __init__(
        self,
        network: SentenceMatcher,
        training: MotionTexts,
        validation: MotionTexts,
        batch: int = 64,
    ) -> None:
        self.network = network
        self.training, self.validation = training, validation
        self.batch = min(batch, len(training))
        self._by_length = np.argsort(training.lengths, kind="stable")

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """InfoNCE of a random batch, each sample under one of its captions."""
        device = next(self.network.parameters()).device
        # Motions of about one length: half of the work would go into padding otherwise, and the
        # length alone would tell many of them apart.
        window = min(len(self.training), NEIGHBOURHOOD * self.batch)
        first = rng.integers(len(self.training) - window + 1)
        rows = self._by_length[first + rng.choice(window, self.batch, replace=False)]
        wording = rng.integers(self.training.captions.shape[1], size=len(rows))
        motion, lengths, vectors = self.training.batch(rows, wording)
        # The convolutions gain from bfloat16, the recurrent part is slower with it on processors.
        with mixed_precision(device):
            steps = self.network.movement_encoder(motion[..., :-CONTACTS].to(device))
        motions = self.network.embed_steps(steps.float(), lengths)
        texts = self.network.embed_texts(vectors.to(device))
        labels = torch.from_numpy(self.training.labels[rows]).to(device)
        return {"loss": contrastive_loss(motions, texts, labels)}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """R-precision among 32, with motions of the same actions left out of the pools."""
        assert isinstance(network, SentenceMatcher)
        device = next(network.parameters()).device
        motion_rows, text_rows = [], []
        for start in range(0, len(self.validation), 128):
            rows = np.arange(start, min(start + 128, len(self.validation)))
            motion, lengths, vectors = self.validation.batch(rows, np.zeros_like(rows))
            motion_rows.append(network.embed_motions(motion.to(device), lengths).cpu().numpy())
            text_rows.append(network.embed_texts(vectors.to(device)).cpu().numpy())
        motions, texts = np.concatenate(motion_rows), np.concatenate(text_rows)
        labels = self.validation.labels.tolist()
        return {
            f"r_precision_{top}": Measured.mean_of(chances(texts, motions, labels, top)).value
            for top in (1, 3)
        }

    def extra_state(self) -> dict[str, Tensor]:
        """Nothing beside the weights."""
        return {}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Nothing beside the weights."""


def train_evaluator(
    prepared: Path, out: Path, steps: int, samples: int, seed: int, device: str | None
) -> dict[str, float]:
    """Train the evaluator on the training split and write it with its reference motions.

    Writes `evaluator.safetensors`, `reference.safetensors` and `reference.json` into `out/assets`
    and returns the retrieval scores on the held-out motions.
    """
    clips = load_prepared(prepared)
    encoder = CaptionEncoder(choose_device(device))
    drawn = {
        split: draw_samples(clips, split, range(count), seed)
        for split, count in (("train", samples), ("val", VALIDATION_SAMPLES))
    }
    reference = collect_reference(clips, seed)
    # The clips are gigabytes; what is drawn of them is a fraction.
    del clips
    rows = np.concatenate([sample.features for sample in drawn["train"]])
    mean, std = rows.mean(axis=0), rows.std(axis=0).clip(_SMALLEST_STD)
    del rows
    sets = {
        split: MotionTexts(part, mean, std, seed, encoder, out / f"{split}.texts.npz")
        for split, part in drawn.items()
    }
    torch.manual_seed(seed)
    network = SentenceMatcher(MatcherConfig(text_dim=encoder.width)).to(choose_device(device))
    options = LoopOptions(
        steps, 2e-3, warmup=50, weight_decay=1e-2, average=0.99, seed=seed, validate_every=100
    )
    task = EvaluatorTask(network, sets["train"], sets["val"])
    trained = train(task, options, out)
    assert isinstance(trained, SentenceMatcher)
    assets = out / "assets"
    evaluator = save_evaluator(trained.cpu(), mean, std, encoder, assets)
    stored = save_reference(reference, evaluator, assets)
    return retrieval_scores(stored)
