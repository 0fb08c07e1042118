"""CLIP's text encoder, which official checkpoints were trained with; it runs in torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from backend.engines.protocol import Array
from backend.text.clip_files import clip_missing, find_clip
from backend.text.encoding import CLIP, CachingEncoder


class ClipEncoder(CachingEncoder):
    """CLIP ViT-B/32 (Radford et al. 2021): the projected text features, 512-d, not normalised.

    Prompts are cut to 77 tokens, the last of which closes the text, as in CLIP.
    """

    name = CLIP

    def __init__(self, folder: Path | None = None, allow_download: bool = False) -> None:
        """Read CLIP from a folder, else from the hub's cache on this machine.

        Args:
            folder: with config.json, the weights and the tokenizer's files, as on the hub.
            allow_download: whether what is not in the cache may be fetched from the hub.

        Raises:
            PlacidError: `encoder_missing` when CLIP is not there or incomplete.
        """
        source = find_clip(folder, allow_download)
        # A library's own zoo: OSError for absent files, others for what damaged ones provoke.
        try:
            tokenizer, model, report = _load(source)
        except Exception as error:
            raise clip_missing(source, str(error).splitlines()[0]) from error
        # The library fills what a file lacks with random numbers and goes on.
        lost = sorted({*report["missing_keys"], *map(str, report["mismatched_keys"])})
        if lost:
            raise clip_missing(source, f"these tensors are missing: {', '.join(lost)}")
        super().__init__()
        self._tokenizer = tokenizer
        self._most_tokens = model.config.max_position_embeddings
        self._model = model.float().eval()
        self.width = model.config.projection_dim

    def _ids(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokenizer(prompt, truncation=True, max_length=self._most_tokens)[
            "input_ids"
        ]
        return ids

    def _vectors(self, ids: Array) -> Array:
        with torch.no_grad():
            vectors: Array = self._model(input_ids=torch.from_numpy(ids)).text_embeds.numpy()
        return vectors


def _load(folder: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Tokenizer, model, and what the library says of the model's tensors."""
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    with _quiet_loading():
        loaded: Any = CLIPTextModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    return tokenizer, *loaded


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Without the library's table of the image tower's tensors, which a text encoder has not."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
