"""Residual vector quantisation with codebooks learned by exponential moving averages.

A latent is approximated by a sum of code vectors: every layer quantises what the layers before it
left over (MoMask, section 3.1, after Zeghidour et al., SoundStream). Codebooks take no gradient;
they follow the vectors assigned to them (van den Oord et al., Neural Discrete Representation
Learning, appendix A.1), and codes that fall out of use are reset to vectors of the current batch.
"""

import math
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_TEMPERATURE = 0.5
LOG_FLOOR = 1e-20
TILE_NOISE = 0.01
FEWEST_VECTORS = 1.0  # of a batch, below which a code is reset
PUBLISHED_VECTORS = 8192  # in a batch: 16 a code
DROPPED = -1


class Quantised(NamedTuple):
    """What one layer or all layers made of a latent.

    value: (b, C, n) with straight-through gradient; ids: (b, n) for a layer, (b, n, Q) for all,
    ``DROPPED`` where a layer was skipped; commit_loss and perplexity are scalars.
    """

    value: Tensor
    ids: Tensor
    commit_loss: Tensor
    perplexity: Tensor


class Codebook(nn.Module):
    """One layer: (codes, code_dim) vectors and, for training, their moving sums and counts.

    The state dict holds the codebook alone, as official checkpoints do. Sums, counts and whether
    the codebook has been initialised are needed to go on training: see ``training_state``.
    """

    codebook: Tensor
    code_sum: Tensor
    code_count: Tensor

    def __init__(self, codes: int, code_dim: int, mu: float) -> None:
        super().__init__()
        self.mu = mu
        self.fewest = FEWEST_VECTORS
        self.initialised = False
        self.register_buffer("codebook", torch.zeros(codes, code_dim))
        self.register_buffer("code_sum", torch.zeros(codes, code_dim), persistent=False)
        self.register_buffer("code_count", torch.ones(codes), persistent=False)

    def distances(self, vectors: Tensor) -> Tensor:
        """(N, C) -> (N, codes) squared distances."""
        return (
            vectors.square().sum(1, keepdim=True)
            - 2 * vectors @ self.codebook.T
            + self.codebook.square().sum(1)
        )

    def assign(self, vectors: Tensor, uniforms: Tensor | None = None) -> Tensor:
        """Nearest code per vector (the lowest id when equal), or a sample of the near ones.

        With ``uniforms`` (N, codes) the id is drawn from softmax(-distance / 0.5) by Gumbel-max.
        """
        score = -self.distances(vectors)
        if uniforms is not None:
            score = score / SAMPLE_TEMPERATURE + gumbel(uniforms)
        return score.argmax(1)

    def dequantise(self, ids: Tensor) -> Tensor:
        """Ids of any shape -> (..., C); ``DROPPED`` gives the zero vector."""
        vectors = F.embedding(ids.clamp(min=0), self.codebook)
        return vectors.masked_fill((ids == DROPPED).unsqueeze(-1), 0.0)

    def tile(self, vectors: Tensor, noise: Tensor | None = None) -> Tensor:
        """The first ``codes`` of the vectors, repeated with a little noise when there are fewer."""
        codes, dim = self.codebook.shape
        if len(vectors) < codes:
            vectors = vectors.repeat(math.ceil(codes / len(vectors)), 1)
            noise = torch.randn_like(vectors) if noise is None else noise
            vectors = vectors + noise * (TILE_NOISE / math.sqrt(dim))
        return vectors[:codes]

    def initialise(self, vectors: Tensor, noise: Tensor | None = None) -> None:
        """Start the codebook from the first vectors (N, C) met in training."""
        self.codebook.copy_(self.tile(vectors, noise))
        self.mark_initialised()

    def mark_initialised(self) -> None:
        """Take the present codebook as the start of training, e.g. a loaded one to fine-tune."""
        self.code_sum.copy_(self.codebook)
        self.code_count.fill_(1.0)
        self.initialised = True

    def update(self, vectors: Tensor, ids: Tensor) -> None:
        """Move the codes towards their vectors; reset those whose moving count is too small."""
        codes, dim = self.codebook.shape
        sums = vectors.new_zeros(codes, dim).index_add_(0, ids, vectors)
        counts = self.uses(ids)
        self.code_sum.mul_(self.mu).add_(sums, alpha=1 - self.mu)
        self.code_count.mul_(self.mu).add_(counts, alpha=1 - self.mu)
        in_use = (self.code_count >= self.fewest).unsqueeze(1)
        means = self.code_sum / self.code_count.unsqueeze(1)
        self.codebook.copy_(torch.where(in_use, means, self.tile(vectors)))

    def uses(self, ids: Tensor) -> Tensor:
        """float32 (codes,): how often each code stands in ids (N,)."""
        # Unlike bincount it does not make a GPU wait for the largest id.
        counts = self.codebook.new_zeros(len(self.codebook))
        return counts.index_add_(0, ids, counts.new_ones(len(ids)))

    def perplexity(self, ids: Tensor) -> Tensor:
        """exp of the entropy of the code use: how many codes the batch effectively used."""
        counts = self.uses(ids)
        share = counts / counts.sum()
        return torch.exp(-(share * torch.log(share + 1e-7)).sum())

    def forward(self, x: Tensor, uniforms: Tensor | None = None) -> Quantised:
        """Quantise a latent (b, C, n); in train mode also learn from it.

        ``uniforms`` (b * n, codes), train mode only: the random numbers of the code sampling, drawn
        here when not given.
        """
        b, dim, n = x.shape
        vectors = x.transpose(1, 2).reshape(b * n, dim)
        with torch.no_grad():
            if self.training:
                if not self.initialised:
                    self.initialise(vectors)
                if uniforms is None:
                    uniforms = vectors.new_empty(b * n, len(self.codebook)).uniform_()
            ids = self.assign(vectors, uniforms if self.training else None)
            target = self.dequantise(ids).view(b, n, dim).transpose(1, 2)
            perplexity = self.perplexity(ids)
            if self.training:
                self.update(vectors, ids)
        commit_loss = F.mse_loss(x, target)
        value = x + (target - x).detach()
        return Quantised(value, ids.view(b, n), commit_loss, perplexity)


class ResidualQuantizer(nn.Module):
    """Codebooks in a row, each quantising the residual of the ones before."""

    def __init__(
        self,
        quantizers: int,
        codes: int,
        code_dim: int,
        mu: float,
        shared: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        count = 1 if shared else quantizers
        layers = [Codebook(codes, code_dim, mu) for _ in range(count)]
        self.layers = nn.ModuleList(layers * quantizers if shared else layers)

    @property
    def codebooks(self) -> list[Codebook]:
        """The layers, first to last; the same object several times when shared."""
        return [cast(Codebook, layer) for layer in self.layers]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, C, n) -> ids (b, n, Q) and the vectors of every layer (Q, b, C, n). No learning."""
        residual, ids, values = x, [], []
        for layer in self.codebooks:
            vectors = residual.transpose(1, 2)
            layer_ids = layer.assign(vectors.flatten(0, 1)).view(vectors.shape[:2])
            target = layer.dequantise(layer_ids).transpose(1, 2)
            # The rounding of the straight-through sum is part of the published values.
            value = residual + (target - residual)
            residual = residual - value
            ids.append(layer_ids)
            values.append(value)
        return torch.stack(ids, -1), torch.stack(values)

    def decode(self, ids: Tensor) -> Tensor:
        """ids (b, n, q <= Q) -> summed code vectors (b, C, n)."""
        vectors = [
            layer.dequantise(ids[..., i]) for i, layer in enumerate(self.codebooks[: ids.shape[-1]])
        ]
        return torch.stack(vectors).sum(0).transpose(1, 2)

    def forward(self, x: Tensor, last_layer: int | None = None) -> Quantised:
        """Quantise a latent (b, C, n); losses are means over the layers that ran.

        ``last_layer`` skips the layers after it. In train mode it is drawn for a share ``dropout``
        of the batches, so that the first layers learn to carry the motion alone.
        """
        count = len(self.codebooks)
        if last_layer is None:
            last_layer = count - 1
            if self.training and torch.rand(()) < self.dropout:
                last_layer = int(torch.randint(count, ()))
        residual, total = x, torch.zeros_like(x)
        ids = torch.full((x.shape[0], x.shape[2], count), DROPPED, device=x.device)
        losses, perplexities = [], []
        for i, layer in enumerate(self.codebooks[: last_layer + 1]):
            result = layer(residual)
            residual = residual - result.value.detach()
            total = total + result.value
            ids[..., i] = result.ids
            losses.append(result.commit_loss)
            perplexities.append(result.perplexity)
        return Quantised(total, ids, torch.stack(losses).mean(), torch.stack(perplexities).mean())

    def mark_initialised(self) -> None:
        """Keep the present codebooks when training starts instead of drawing new ones."""
        for layer in self.codebooks:
            layer.mark_initialised()

    def expect(self, vectors: int) -> None:
        """Reset a code that gets as small a share of batches of so many vectors as is published.

        In small batches the published number itself would reset whatever is rare.
        """
        for layer in self.codebooks:
            layer.fewest = FEWEST_VECTORS * vectors / PUBLISHED_VECTORS

    def training_state(self) -> dict[str, Tensor]:
        """What resuming a training needs beside the state dict, as named tensors."""
        state = {}
        for i, layer in enumerate(self.codebooks):
            state[f"layers.{i}.code_sum"] = layer.code_sum.clone()
            state[f"layers.{i}.code_count"] = layer.code_count.clone()
            state[f"layers.{i}.initialised"] = torch.tensor(layer.initialised)
        return state

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Inverse of ``training_state``; raises KeyError when a tensor is missing."""
        for i, layer in enumerate(self.codebooks):
            layer.code_sum.copy_(state[f"layers.{i}.code_sum"])
            layer.code_count.copy_(state[f"layers.{i}.code_count"])
            layer.initialised = bool(state[f"layers.{i}.initialised"])


def gumbel(uniforms: Tensor) -> Tensor:
    """Standard Gumbel noise -log(-log u); both logarithms are kept off zero."""
    inner = -torch.log(uniforms.clamp(min=LOG_FLOOR))
    return -torch.log(inner.clamp(min=LOG_FLOOR))
