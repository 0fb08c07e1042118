"""Trainers of the networks that read text: masked, residual and BAMM transformer, length."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from backend.training.precision import fast_attention, mixed_precision
from backend.training.tokens import TokenSet

# Noise on the text vectors, as a share of their length: prompts are never worded as in training.
TEXT_NOISE = 0.3
# A batch is drawn from so many times its size of samples that are nearest in length.
NEIGHBOURHOOD = 16

Loss = tuple[Tensor, Tensor]
BatchLoss = Callable[[nn.Module, Tensor, Tensor, Tensor, torch.Generator], Loss]


def _base_layer(
    network: nn.Module, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
) -> Loss:
    return network.loss(ids[..., 0], text, lengths, generator)  # type: ignore[operator]


def _all_layers(
    network: nn.Module, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
) -> Loss:
    return network.loss(ids, text, lengths, generator)  # type: ignore[operator]


def _length(
    network: nn.Module, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
) -> Loss:
    return network.loss(text, lengths)  # type: ignore[operator]


BATCH_LOSSES: dict[str, BatchLoss] = {
    "masked": _base_layer,
    "residual": _all_layers,
    "bamm": _base_layer,
    "length": _length,
}


class TextTask:
    """Predict tokens or lengths from captions; validate by loss and accuracy."""

    def __init__(
        self,
        name: str,
        network: nn.Module,
        training: TokenSet,
        validation: TokenSet,
        batch: int = 64,
        weights: np.ndarray | None = None,
    ) -> None:
        """`weights` (N,): how often each training sample is drawn; all alike when None."""
        self.name = name
        self.network = network
        self.training, self.validation = training, validation
        self.batch = batch
        self._by_length = np.argsort(training.lengths, kind="stable")
        weights = np.ones(len(training)) if weights is None else weights
        self._weights = weights[self._by_length]
        self._loss = BATCH_LOSSES[name]

    def _batch(
        self, tokens: TokenSet, rows: np.ndarray, wording: np.ndarray
    ) -> tuple[Tensor, Tensor, Tensor]:
        device = next(self.network.parameters()).device
        lengths = tokens.lengths[rows]
        ids = torch.from_numpy(tokens.ids[rows, : lengths.max()].astype(np.int64))
        text = torch.from_numpy(tokens.vectors[tokens.captions[rows, wording]].astype(np.float32))
        return ids.to(device), text.to(device), torch.from_numpy(lengths).to(device)

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Loss and accuracy of a random batch, each sample under one of its captions."""
        # Neighbours in length share a batch: half of the work would go into padding otherwise.
        window = min(len(self.training), NEIGHBOURHOOD * self.batch)
        first = rng.integers(len(self.training) - window + 1)
        weights = self._weights[first : first + window]
        chosen = rng.choice(window, self.batch, p=weights / weights.sum())
        rows = self._by_length[first + chosen]
        wording = rng.integers(self.training.captions.shape[1], size=self.batch)
        ids, text, lengths = self._batch(self.training, rows, wording)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(text.shape, generator=generator).to(text.device)
        text = text + noise * TEXT_NOISE * (text.norm(dim=1, keepdim=True) / text.shape[1] ** 0.5)
        with mixed_precision(text.device), fast_attention(text.device):
            loss, accuracy = self._loss(self.network, ids, text, lengths, generator)
        return {"loss": loss, "accuracy": accuracy}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Loss and accuracy on the validation set, with the same masks every time."""
        figures = []
        for start in range(0, len(self.validation), 128):
            rows = np.arange(start, min(start + 128, len(self.validation)))
            batch = self._batch(self.validation, rows, np.zeros_like(rows))
            generator = torch.Generator().manual_seed(start)
            figures.append([float(x) for x in self._loss(network, *batch, generator)])
        loss, accuracy = np.mean(figures, axis=0)
        return {"loss": float(loss), "accuracy": float(accuracy)}

    def extra_state(self) -> dict[str, Tensor]:
        """Nothing beside the weights."""
        return {}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Nothing beside the weights."""
