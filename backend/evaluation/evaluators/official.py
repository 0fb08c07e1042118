"""The published evaluator of HumanML3D, loaded from the official files."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from backend.checkpoints.official.networks import FEATURES, read_statistics
from backend.checkpoints.official.weights import open_weights, state_dict, unusable
from backend.evaluation.evaluators.batches import padded_batches
from backend.evaluation.evaluators.words import Vocabulary, load_vocabulary, mask_terms
from backend.models.loading import load_strict
from backend.models.matching import CONTACTS, WordMatcher, WordMatcherConfig
from shared.errors import PlacidError

WEIGHTS: Final = Path("text_mot_match", "model", "finest.tar")
STATISTICS: Final = "Comp_v6_KLD005"
_NETWORKS: Final = ("movement_encoder", "motion_encoder", "text_encoder")
_BATCH: Final = 64


class OfficialEvaluator:
    """Embeddings by the published text-motion matching network; see `Evaluator`.

    Args:
        network: in eval mode.
        mean, std: float32 (263,), the evaluator's own, which need not be those of an RVQ-VAE.
        vocabulary: GloVe vectors.
        fingerprint: SHA-256 of the weights, the statistics and the vectors.
        tokens: the `word/CLASS` tokens of every caption that will be asked for: the tagger that
            made them is not part of the release, so the data set brings them.
    """

    name = "official"

    def __init__(
        self,
        network: WordMatcher,
        mean: np.ndarray,
        std: np.ndarray,
        vocabulary: Vocabulary,
        fingerprint: str,
        tokens: Mapping[str, Sequence[str]],
    ) -> None:
        self._network, self._mean, self._std = network.eval(), mean, std
        self._vocabulary, self._tokens = vocabulary, tokens
        self.width = network.config.output
        self.fingerprint = fingerprint

    @torch.no_grad()
    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings float32 (N, 512) of features (T, 263), not normalised."""
        parts = [
            self._network.embed_motions(motion, lengths).numpy()
            for motion, lengths in padded_batches(features, self._mean, self._std)
        ]
        return np.concatenate([np.zeros((0, self.width), dtype=np.float32), *parts])

    def embed_texts(self, captions: Sequence[str], masked: Sequence[str] = ()) -> np.ndarray:
        """Embeddings float32 (N, 512) of captions whose tokens were given.

        Args:
            masked: terms that are masked in the tokens, as published.

        Raises:
            PlacidError: `missing_tokens` for another caption.
        """
        for caption in captions:
            if caption not in self._tokens:
                raise PlacidError(
                    "missing_tokens",
                    f"the official evaluator has no tagged words for {caption!r}; use captions of "
                    "the data set, whose text files bring them",
                )
        return self.embed_tokens(
            [[mask_terms(token, masked) for token in self._tokens[text]] for text in captions]
        )

    @torch.no_grad()
    def embed_tokens(self, tokens: Sequence[Sequence[str]]) -> np.ndarray:
        """Embeddings float32 (N, 512) of captions given as `word/CLASS` tokens."""
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(tokens), _BATCH):
            encoded = self._vocabulary.encode(tokens[start : start + _BATCH])
            parts.append(self._network.embed_texts(*encoded).numpy())
        return np.concatenate(parts)


def load_official_evaluator(
    folder: Path, glove: Path, tokens: Mapping[str, Sequence[str]]
) -> OfficialEvaluator:
    """Read the published evaluator.

    Args:
        folder: with `text_mot_match/model/finest.tar` and `Comp_v6_KLD005/meta/{mean,std}.npy`,
            as in the release's `checkpoints/t2m`.
        glove: folder of the GloVe files.
        tokens: by caption; see `OfficialEvaluator`.

    Raises:
        PlacidError: `damaged_checkpoint` or `damaged_vocabulary` for files that are missing,
            damaged, of other sizes, or ask for code to be run.
    """
    path = folder / WEIGHTS
    content = open_weights(path)
    states = {name: state_dict(content, (name,), path) for name in _NETWORKS}
    try:
        network = WordMatcher(_sizes(states))
        for name, tensors in states.items():
            load_strict(getattr(network, name), tensors)
    except (KeyError, IndexError, ValueError) as error:
        raise unusable(path, error) from error
    if network.config.features != FEATURES:
        raise unusable(path, f"it reads {network.config.features} features instead of {FEATURES}")
    mean, std = read_statistics(folder / STATISTICS)
    vocabulary = load_vocabulary(glove)
    digest = hashlib.sha256(path.read_bytes())
    for array in (mean, std, vocabulary.vectors):
        digest.update(np.ascontiguousarray(array).tobytes())
    return OfficialEvaluator(network, mean, std, vocabulary, digest.hexdigest(), tokens)


def _sizes(states: Mapping[str, Mapping[str, Tensor]]) -> WordMatcherConfig:
    movement, motion, text = (states[name] for name in _NETWORKS)
    return WordMatcherConfig(
        features=movement["main.0.weight"].shape[1] + CONTACTS,
        movement_hidden=movement["main.0.weight"].shape[0],
        movement_latent=movement["main.3.weight"].shape[0],
        motion_hidden=motion["input_emb.weight"].shape[0],
        text_hidden=text["input_emb.weight"].shape[0],
        output=motion["output_net.3.weight"].shape[0],
        words=text["pos_emb.weight"].shape[0],
        classes=text["pos_emb.weight"].shape[1],
    )
