"""The evaluator that comes with Placid: a small matching network on the sentence encoder."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from backend.assets import ASSETS
from backend.evaluation.evaluators.batches import padded_batches
from backend.evaluation.evaluators.words import mask_terms
from backend.models.loading import load_strict
from backend.models.matching import MatcherConfig, SentenceMatcher
from backend.text.encoding import MINILM, TextEncoder
from backend.text.sentence import SentenceEncoder
from shared.decoding.arrays import check_safetensors
from shared.decoding.errors import UNDECODABLE, DecodeError, explain
from shared.decoding.limits import MAX_RUN_BYTES
from shared.decoding.text import decode_json
from shared.errors import PlacidError
from shared.files import written_whole

EVALUATOR: Final = ASSETS / "evaluator"
WEIGHTS: Final = "evaluator.safetensors"
_MEAN, _STD = "features.mean", "features.std"


class EmbeddedEvaluator:
    """Unit vectors of motions and of captions; see `Evaluator`.

    Args:
        network: on the CPU, in eval mode.
        mean, std: float32 (263,), of the features it was trained on.
        encoder: gives the sentence vectors; made when the first caption comes if left out.
        fingerprint: SHA-256 of the file.
    """

    name = "embedded"

    def __init__(
        self,
        network: SentenceMatcher,
        mean: np.ndarray,
        std: np.ndarray,
        encoder: TextEncoder | None,
        fingerprint: str,
    ) -> None:
        self._network, self._mean, self._std = network.eval(), mean, std
        self._encoder = encoder
        self.width = network.config.output
        self.fingerprint = fingerprint

    @torch.no_grad()
    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors float32 (N, width) of features (T, 263), not normalised."""
        parts = [
            self._network.embed_motions(motion, lengths).numpy()
            for motion, lengths in padded_batches(features, self._mean, self._std)
        ]
        return np.concatenate([np.zeros((0, self.width), dtype=np.float32), *parts])

    def embed_texts(self, captions: Sequence[str], masked: Sequence[str] = ()) -> np.ndarray:
        """Unit vectors float32 (N, width) of captions, in which some terms are masked."""
        if self._encoder is None:
            self._encoder = SentenceEncoder()
        texts = [mask_terms(text, masked) for text in captions]
        vectors = torch.from_numpy(self._encoder.encode(texts))
        return self.embed_vectors(vectors).numpy()

    @torch.no_grad()
    def embed_vectors(self, vectors: Tensor) -> Tensor:
        """Unit vectors (N, width) of sentence vectors (N, 384)."""
        return self._network.embed_texts(vectors)


def save_evaluator(
    network: SentenceMatcher,
    mean: np.ndarray,
    std: np.ndarray,
    encoder: TextEncoder,
    folder: Path,
) -> EmbeddedEvaluator:
    """Write the evaluator in half precision and return it as it will be loaded."""
    tensors = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    statistics = {_MEAN: torch.from_numpy(mean).float(), _STD: torch.from_numpy(std).float()}
    about = {
        "config": msgspec.json.encode(asdict(network.config)).decode(),
        "encoder": encoder.name,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / WEIGHTS) as file:
        file.write(save(tensors | statistics, about))
    return load_evaluator(folder, encoder)


def load_evaluator(
    folder: Path = EVALUATOR, encoder: TextEncoder | None = None
) -> EmbeddedEvaluator:
    """Read an evaluator that `save_evaluator` wrote; the shipped one by default.

    Args:
        encoder: a sentence encoder that is loaded already, where there is one.

    Raises:
        PlacidError: `damaged_evaluator` when the file is missing or no evaluator;
            `unknown_encoder` when it was trained with another text encoder.
    """
    path = folder / WEIGHTS
    try:
        about = check_safetensors(path, MAX_RUN_BYTES)
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        mean, std = tensors.pop(_MEAN).numpy(), tensors.pop(_STD).numpy()
        network = SentenceMatcher(decode_json(about["config"].encode(), MatcherConfig))
        load_strict(network, tensors)
    except (DecodeError, *UNDECODABLE, SafetensorError, RuntimeError) as error:
        raise PlacidError(
            "damaged_evaluator",
            f"the evaluator {path} cannot be read (it {explain(error)}); install Placid again or "
            "train one with `backend train evaluator`",
        ) from error
    expected = encoder.name if encoder is not None else MINILM
    if about.get("encoder") != expected:
        raise PlacidError(
            "unknown_encoder",
            f"the evaluator {path} was trained with the text encoder {about.get('encoder')!r}, "
            f"not with {expected}; train one with `backend train evaluator`",
        )
    fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
    return EmbeddedEvaluator(network, mean, std, encoder, fingerprint)
