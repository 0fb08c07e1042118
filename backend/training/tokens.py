"""Training material of the transformers: samples as tokens, with captions as text vectors."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from tqdm import tqdm

from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import Sample, SamplePool
from backend.models.rvqvae import RVQVAE
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_TOKENS
from backend.text.encoding import TextEncoder
from shared.files import write_whole, written_whole

CAPTIONS = 4  # wordings kept for each sample


@dataclass(frozen=True)
class TokenSet:
    """Samples of one split.

    Attributes:
        ids: int16 (N, 49, Q), -1 behind the end.
        lengths: int64 (N,), in tokens.
        captions: int64 (N, CAPTIONS), rows of `vectors`.
        vectors: float16 (M, text_dim), one per distinct caption.
        texts: the M captions.
        kinds: per sample, the kinds of its actions.
        natural: bool (N,), motions as long as the recorded action.
        codebook: `codebook_hash` of the RVQ-VAE that made the ids; "" in older files.
    """

    ids: np.ndarray
    lengths: np.ndarray
    captions: np.ndarray
    vectors: np.ndarray
    texts: list[str]
    kinds: list[list[str]]
    natural: np.ndarray
    codebook: str = ""

    def __len__(self) -> int:
        return len(self.lengths)

    def select(self, keep: np.ndarray) -> "TokenSet":
        """The samples where `keep` (N,) is true."""
        kinds = [kind for kind, kept in zip(self.kinds, keep, strict=True) if kept]
        return TokenSet(
            self.ids[keep],
            self.lengths[keep],
            self.captions[keep],
            self.vectors,
            self.texts,
            kinds,
            self.natural[keep],
            self.codebook,
        )

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME.npz` and `NAME.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / f"{name}.npz") as file:
            np.savez(
                file,
                ids=self.ids,
                lengths=self.lengths,
                captions=self.captions,
                vectors=self.vectors,
                natural=self.natural,
            )
        labels = {"texts": self.texts, "kinds": self.kinds, "codebook": self.codebook}
        write_whole(folder / f"{name}.json", msgspec.json.encode(labels))

    @classmethod
    def load(cls, folder: Path, name: str) -> "TokenSet":
        """Read what `save` wrote; raises FileNotFoundError when it was not."""
        labels = msgspec.json.decode((folder / f"{name}.json").read_bytes())
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            ids, lengths, captions, vectors, natural = (
                file[key] for key in ("ids", "lengths", "captions", "vectors", "natural")
            )
        texts, kinds, codebook = labels["texts"], labels["kinds"], labels.get("codebook", "")
        return cls(ids, lengths, captions, vectors, texts, kinds, natural, codebook)


class TokenPart(NamedTuple):
    """Some of the samples of a `TokenSet`, each with its captions as they are worded."""

    ids: np.ndarray
    lengths: np.ndarray
    captions: list[list[str]]
    kinds: list[list[str]]
    natural: list[bool]


def draw_samples(
    clips: Sequence[PreparedClip], split: str, numbers: Sequence[int], seed: int
) -> list[Sample]:
    """Samples of a split; sample i depends on the seed and i alone."""
    pool = SamplePool(clips, split)
    bar = tqdm(numbers, desc=f"{split} samples", unit="sample", leave=False)
    return [pool.draw(np.random.default_rng((seed, i))) for i in bar]


def draw_captions(samples: Sequence[Sample], numbers: Sequence[int], seed: int) -> list[list[str]]:
    """So many wordings as a `TokenSet` keeps for each sample."""
    rngs = [np.random.default_rng((seed, 1, i)) for i in numbers]
    return [
        [sample.caption(rng) for _ in range(CAPTIONS)]
        for sample, rng in zip(samples, rngs, strict=True)
    ]


def distinct(captions: Sequence[Sequence[str]]) -> tuple[np.ndarray, list[str]]:
    """Caption rows (N, CAPTIONS) and the distinct captions that they point to."""
    rows: dict[str, int] = {}
    table = [[rows.setdefault(text, len(rows)) for text in texts] for texts in captions]
    return np.array(table, dtype=np.int64), list(rows)


def draw_tokens(
    clips: Sequence[PreparedClip],
    split: str,
    numbers: Sequence[int],
    seed: int,
    network: RVQVAE,
    mean: np.ndarray,
    std: np.ndarray,
) -> TokenPart:
    """The samples of these numbers as tokens; their motions are forgotten again."""
    drawn = draw_samples(clips, split, numbers, seed)
    ids, lengths = tokenise(drawn, network, mean, std)
    kinds = [[action.kind for action in sample.actions] for sample in drawn]
    natural = [sample.natural for sample in drawn]
    return TokenPart(ids, lengths, draw_captions(drawn, numbers, seed), kinds, natural)


def token_set(parts: Sequence[TokenPart], encoder: TextEncoder, vectors: Path) -> TokenSet:
    """The samples of all parts; for `vectors` see `stored_vectors`."""
    captions, texts = distinct([texts for part in parts for texts in part.captions])
    return TokenSet(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        captions,
        stored_vectors(texts, encoder, vectors),
        texts,
        [kinds for part in parts for kinds in part.kinds],
        np.array([natural for part in parts for natural in part.natural]),
    )


def encode_texts(texts: Sequence[str], encoder: TextEncoder) -> np.ndarray:
    """Vectors float16 (M, text_dim) of M texts, with progress."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = np.empty((len(texts), encoder.width), dtype=np.float16)
    for start in tqdm(range(0, len(order), 256), desc="captions", unit="batch"):
        part = order[start : start + 256]
        vectors[part] = encoder.encode([texts[i] for i in part])
    return vectors


def tokenise(
    samples: Sequence[Sample], network: RVQVAE, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ids int16 (N, 49, Q) and lengths (N,) of samples; motions of one length go together."""
    lengths = np.array([len(sample.features) // FRAMES_PER_TOKEN for sample in samples])
    ids = np.full((len(samples), MAX_TOKENS, network.config.quantizers), -1, dtype=np.int16)
    groups = defaultdict(list)
    for i, length in enumerate(lengths):
        groups[int(length)].append(i)
    device = next(network.parameters()).device
    with torch.no_grad():
        for length, members in groups.items():
            for start in range(0, len(members), 32):
                part = members[start : start + 32]
                rows = np.stack([samples[i].features for i in part])
                x = torch.from_numpy((rows - mean) / std).float().to(device)
                ids[part, :length] = network.encode(x)[0].cpu().numpy()
    return ids, lengths


def stored_vectors(texts: Sequence[str], encoder: TextEncoder, path: Path) -> np.ndarray:
    """Vectors of texts (M, text_dim) from a file, or encoded and stored there for the next time."""
    key = hashlib.sha256("\n".join((encoder.name, *texts)).encode()).hexdigest()
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) == key:
                return file["vectors"]
    vectors = encode_texts(texts, encoder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        np.savez(file, key=np.array(key), vectors=vectors)
    return vectors
