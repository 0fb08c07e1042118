"""The sentence encoder of the embedded model on a device, for the many captions of a training."""

from typing import Final

import numpy as np
import torch
from transformers import BertConfig, BertModel

from backend.engines.protocol import Array
from backend.text.sentence import HEADS, SentenceEncoder
from backend.text.sentence_file import read_sentence_encoder

_WORDS: Final = "embeddings.word_embeddings.weight"
_POSITIONS: Final = "embeddings.position_embeddings.weight"
_FIRST_HIDDEN: Final = "encoder.layer.0.intermediate.dense.bias"


class CaptionEncoder(SentenceEncoder):
    """As its base, with torch; on a processor that is no faster than numpy."""

    def __init__(self, device: str) -> None:
        super().__init__()
        tensors, _ = read_sentence_encoder()
        config = BertConfig(
            vocab_size=len(tensors[_WORDS]),
            hidden_size=self.width,
            num_hidden_layers=len([name for name in tensors if name.endswith("query.weight")]),
            num_attention_heads=HEADS,
            intermediate_size=len(tensors[_FIRST_HIDDEN]),
            max_position_embeddings=len(tensors[_POSITIONS]),
        )
        self._device = device
        self._network = BertModel(config, add_pooling_layer=False).eval().to(device)
        weights = {name: torch.from_numpy(values) for name, values in tensors.items()}
        self._network.load_state_dict(weights)

    @torch.no_grad()
    def _vectors(self, ids: Array) -> Array:
        states = self._network(torch.from_numpy(ids).to(self._device)).last_hidden_state
        means = states.mean(dim=1)
        vectors = means / means.norm(dim=1, keepdim=True) * self.length
        return np.asarray(vectors.float().cpu())
