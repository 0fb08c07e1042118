"""BAMM: text to base-layer tokens, one column after the other, with a length of its own.

Pinyoanuntapong et al., BAMM: Bidirectional Autoregressive Motion Model (ECCV 2024). Known tokens
see one another in both directions; the others see what came before them and all known ones.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import BAMMConfig
from .prenorm import PreNormStack
from .transformer import TokenTransformer, drop_text, lengths_to_mask

KNOWN_SHARE = 0.5
KNOWN_RATE = 0.5
CORRUPTION_RATE = 0.5


class BAMM(TokenTransformer):
    """Ids: 0..codes-1 are codes, ``end_id`` closes a motion, ``pad_id`` is nothing yet.

    A motion of n tokens has its end in column n, so at most 49 tokens need 50 columns.
    """

    def __init__(self, config: BAMMConfig) -> None:
        super().__init__(config, config.codes + 1)
        if config.pre_norm:
            self.seqTransEncoder = PreNormStack(config)
        self.config = config
        self.end_id = config.codes
        self.pad_id = config.codes + 1
        # The official table has a row for a mask token, which BAMM never uses.
        self.token_emb = nn.Embedding(config.codes + 3, config.code_dim)
        self.initialise()

    def embed(self, ids: Tensor, text: Tensor) -> Tensor:
        """ids (b, n), text (b, text_dim) -> rows (b, n + 1, width), the text first."""
        tokens = self.input_process(self.token_emb(ids))
        return self.position_enc(torch.cat([self.cond_emb(text).unsqueeze(1), tokens], 1))

    def forward(self, ids: Tensor, text: Tensor, known: Tensor | None = None) -> Tensor:
        """ids (b, n), text (b, text_dim), known tokens (b, n) -> logits (b, codes + 1, n + 1).

        Column k of the result predicts token k.
        """
        allowed = visibility(ids.shape[1], known).to(ids.device)
        hidden = self.seqTransEncoder(self.embed(ids, text), allowed)
        return self.output_process(hidden).transpose(1, 2)

    def corrupt(
        self, ids: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Training input, labels and known tokens, (b, n + 1) each, from ids (b, n).

        Half of the samples get some known tokens; some inputs before the end, at one rate for the
        batch, become random codes, so that the network learns to live with its own mistakes.
        """

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=generator.device).to(ids.device)

        b, n = ids.shape[0], ids.shape[1] + 1
        before_end = lengths_to_mask(lengths, n)
        labels = F.pad(ids, (0, 1)).masked_fill(~before_end, self.pad_id)
        labels = labels.scatter(1, lengths.unsqueeze(1), self.end_id)
        rate = KNOWN_RATE * uniform(b, 1) * (uniform(b, 1) < KNOWN_SHARE)
        known = (uniform(b, n) < rate) & lengths_to_mask(lengths + 1, n)
        corrupted = (uniform(b, n) < CORRUPTION_RATE * uniform(1)) & before_end
        codes = (uniform(b, n) * self.config.codes).long().clamp(max=self.config.codes - 1)
        return torch.where(corrupted, codes, labels), labels, known

    def loss(
        self, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Training loss and accuracy on ids (b, n), text (b, text_dim), lengths (b) in tokens."""
        inputs, labels, known = self.corrupt(ids, lengths, generator)
        text = drop_text(text, self.config.text_drop, generator)
        return self.weighted_loss(self(inputs, text, known)[..., :-1], labels)

    def weighted_loss(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over samples of the mean cross entropy up to and including the end; accuracy."""
        counted = labels != self.pad_id
        targets = labels.masked_fill(~counted, 0)
        losses = F.cross_entropy(logits.float(), targets, reduction="none") * counted
        right = (logits.argmax(1) == labels) & counted
        return (losses.sum(1) / counted.sum(1)).mean(), right.sum() / counted.sum()


def visibility(columns: int, known: Tensor | None) -> Tensor:
    """Where each row may look: bool, broadcasting to (b, 1, columns + 1, columns + 1), text first.

    Rows of known tokens and the text see exactly these; others see what came before and these.
    """
    causal = torch.ones(columns + 1, columns + 1, dtype=torch.bool).tril()
    if known is None:
        return causal
    kept = F.pad(known, (1, 0), value=True)
    return ((causal.to(known.device) & ~kept.unsqueeze(2)) | kept.unsqueeze(1)).unsqueeze(1)
