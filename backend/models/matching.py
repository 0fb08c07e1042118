"""Text-motion matching networks: the evaluators' two towers into one embedding space.

The sizes and names of parameters of `MovementEncoder`, `MotionEncoder` and `WordEncoder` are those
of the matching network of Guo et al. 2022 (HumanML3D), so that its weights load as they are.
`SentenceMatcher` joins the same motion tower with a text tower on sentence vectors.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

UNIT: Final = 4  # frames per step of the recurrent part
CONTACTS: Final = 4  # the last feature columns, which no evaluator sees


class MovementEncoder(nn.Module):
    """Motion without foot contacts (b, T, features) to movement steps (b, T // 4, latent)."""

    def __init__(self, features: int, hidden: int, latent: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(features, hidden, 4, 2, 1),
            nn.Dropout(dropout),
            nn.LeakyReLU(0.2),
            nn.Conv1d(hidden, latent, 4, 2, 1),
            nn.Dropout(dropout),
            nn.LeakyReLU(0.2),
        )
        self.out_net = nn.Linear(latent, latent)

    def forward(self, motion: Tensor) -> Tensor:
        return self.out_net(self.main(motion.transpose(1, 2)).transpose(1, 2))


class _SequenceEncoder(nn.Module):
    """A bidirectional GRU from a learned state; the two final states become one embedding."""

    def __init__(self, width: int, hidden: int, output: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(width, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden),
            nn.LayerNorm(hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, output),
        )
        self.hidden = nn.Parameter(torch.randn(2, 1, hidden))

    def forward(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (b, output) of the first `lengths` (b,) of the steps (b, n, width)."""
        packed = pack_padded_sequence(
            self.input_emb(steps), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        start = self.hidden.repeat(1, len(steps), 1)
        _, final = self.gru(packed, start)
        return self.output_net(torch.cat([final[0], final[1]], dim=-1))


class MotionEncoder(_SequenceEncoder):
    """Movement steps (b, n, latent) to embeddings (b, output)."""


class WordEncoder(_SequenceEncoder):
    """Word vectors with the class of each word to embeddings (b, output)."""

    def __init__(self, words: int, classes: int, hidden: int, output: int) -> None:
        super().__init__(words, hidden, output)
        self.pos_emb = nn.Linear(classes, words)

    def forward(  # type: ignore[override]
        self, words: Tensor, classes: Tensor, lengths: Tensor
    ) -> Tensor:
        """Args: words (b, n, words), one-hot classes (b, n, classes), lengths (b,)."""
        return super().forward(words + self.pos_emb(classes), lengths)


@dataclass(frozen=True)
class MatcherConfig:
    """Sizes of `SentenceMatcher`."""

    features: int = 263
    text_dim: int = 384
    width: int = 128
    text_hidden: int = 256
    output: int = 64
    dropout: float = 0.1


class SentenceMatcher(nn.Module):
    """Motions and sentence vectors as unit vectors of one space."""

    def __init__(self, config: MatcherConfig) -> None:
        super().__init__()
        self.config = config
        self.movement_encoder = MovementEncoder(
            config.features - CONTACTS, config.width, config.width, config.dropout
        )
        self.motion_encoder = MotionEncoder(config.width, config.width, config.output)
        self.text_encoder = nn.Sequential(
            nn.LayerNorm(config.text_dim),
            nn.Dropout(config.dropout),
            nn.Linear(config.text_dim, config.text_hidden),
            nn.LeakyReLU(0.2),
            nn.Dropout(config.dropout),
            nn.Linear(config.text_hidden, config.output),
        )

    def embed_motions(self, motion: Tensor, lengths: Tensor) -> Tensor:
        """Unit vectors (b, output) of normalised features (b, T, 263) of `lengths` (b,) frames."""
        return self.embed_steps(self.movement_encoder(motion[..., :-CONTACTS]), lengths)

    def embed_steps(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Unit vectors (b, output) of movement steps (b, T // 4, width); lengths in frames."""
        return F.normalize(self.motion_encoder(steps, lengths // UNIT), dim=-1)

    def embed_texts(self, vectors: Tensor) -> Tensor:
        """Unit vectors (b, output) of sentence vectors (b, text_dim)."""
        return F.normalize(self.text_encoder(vectors), dim=-1)


@dataclass(frozen=True)
class WordMatcherConfig:
    """Sizes of `WordMatcher`; the defaults are those of the published evaluator."""

    features: int = 263
    movement_hidden: int = 512
    movement_latent: int = 512
    motion_hidden: int = 1024
    text_hidden: int = 512
    output: int = 512
    words: int = 300
    classes: int = 15


class WordMatcher(nn.Module):
    """The published evaluator (Guo et al. 2022): its three networks under their own names."""

    def __init__(self, config: WordMatcherConfig) -> None:
        super().__init__()
        self.config = config
        self.movement_encoder = MovementEncoder(
            config.features - CONTACTS, config.movement_hidden, config.movement_latent
        )
        self.motion_encoder = MotionEncoder(
            config.movement_latent, config.motion_hidden, config.output
        )
        self.text_encoder = WordEncoder(
            config.words, config.classes, config.text_hidden, config.output
        )

    def embed_motions(self, motion: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (b, output) of normalised features (b, T, 263) of `lengths` (b,) frames."""
        steps = self.movement_encoder(motion[..., :-CONTACTS])
        return self.motion_encoder(steps, lengths // UNIT)

    def embed_texts(self, words: Tensor, classes: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (b, output) of captions; see `WordEncoder`."""
        return self.text_encoder(words, classes, lengths)
