"""What a worker does: generates the motions of one shard, embeds and measures them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from safetensors.numpy import save

from backend.evaluation.benchmark.attack import attack
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.suites import ADVERSARIAL, FORGET, OVER_BLOCKING, Item
from backend.evaluation.evaluators.loading import EvaluatorPlace, open_evaluator
from backend.evaluation.metrics import METRICS, Evaluated
from backend.generation.codebooks import Codebooks
from backend.generation.generator import Generator
from backend.motion.foot_contact import ground
from backend.text.encoding import MINILM
from backend.unlearning.edit import Edit
from backend.unlearning.edit_store import EditStore

# Suites of which joints are kept: compared with the original's, and drawn.
_KEPT: Final = {OVER_BLOCKING: None, FORGET: 2}
_JOINTS_ALONE: Final = frozenset({"joints"})


class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of work: the generations of some prompts by one model under one method.

    `edits` are the names of files in the run's folder `edits`; seeds stand beside the items.
    """

    model: str
    method: str
    suite: str
    repeat: int
    chunk: int
    edits: tuple[str, ...]
    items: tuple[Item, ...]
    seeds: tuple[int, ...]

    @property
    def file(self) -> str:
        """The name of its file; says what is in it."""
        method = self.method.replace("+", "-and-")
        return f"{self.model}.{method}.{self.suite}.{self.repeat:02}.{self.chunk:03}.safetensors"


class Place(msgspec.Struct, frozen=True):
    """Where a worker finds everything.

    Attributes:
        checkpoint: folder of the networks.
        evaluator: where the evaluator lies.
        edits: contents of the run's edits by name, so that a worker needs no shared disk for them.
        encoder: folder of CLIP's files, for official checkpoints.
    """

    checkpoint: Path
    evaluator: EvaluatorPlace
    edits: dict[str, bytes]
    encoder: Path | None = None


class Worker:
    """Holds the networks and makes shards, whatever the order."""

    def __init__(self, place: Place, protocol: Protocol, scratch: Path) -> None:
        """Load everything; `scratch` is an empty folder for the edits' files."""
        torch.set_num_threads(protocol.threads)
        self._protocol = protocol
        self._generator = Generator(
            place.checkpoint, "cpu", EditStore(()), encoder_folder=place.encoder
        )
        encoder = self._generator.encoder
        is_sentences = encoder.name == MINILM
        self._evaluator = open_evaluator(place.evaluator, encoder if is_sentences else None)
        self._edits: dict[str, Edit] = {}
        for name, content in place.edits.items():
            path = scratch / name
            path.write_bytes(content)
            self._edits[name] = Edit.load(path)

    def make(self, shard: Shard) -> bytes:
        """The shard's file: embeddings, figures, a histogram of codes and, of some, joints."""
        edits = [self._edits[name] for name in shard.edits]
        text = self._generator.encoder.encode([item.prompt for item in shard.items])
        if shard.suite == ADVERSARIAL:
            text = self._attacked(shard, edits, text)
        ids, lengths = self._tokens(shard, edits, text)
        features = self._generator.decode(ids, lengths)
        joints = [ground(rows) for rows in features]
        tensors = {
            "embeddings": self._evaluator.embed_motions(features),
            "codes": self._codes(features),
            **_figures(joints),
            **_kept(joints, shard.suite),
        }
        return save({name: np.ascontiguousarray(value) for name, value in tensors.items()})

    def _tokens(
        self, shard: Shard, edits: Sequence[Edit], text: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        checkpoint = self._generator.load()
        self._generator.edits.activate(self._generator.load().networks, edits, 1.0)
        return self._generator.sample_tokens(
            checkpoint.model_networks(shard.model),
            shard.model,
            text,
            [item.tokens for item in shard.items],
            shard.seeds,
            self._protocol.sampling,
        )

    def _attacked(self, shard: Shard, edits: Sequence[Edit], text: np.ndarray) -> np.ndarray:
        """The prompts' vectors after the search, which goes against the masked transformer."""
        networks = self._generator.load().networks
        if "masked" not in networks or not edits:
            return text
        ids, lengths = self._tokens(shard, (), text)
        self._generator.edits.activate(self._generator.load().networks, edits, 1.0)
        steps = self._protocol.attack_steps
        found = attack(
            networks["masked"].module,
            torch.from_numpy(text),
            torch.from_numpy(ids[..., 0].copy()),
            torch.from_numpy(lengths),
            steps,
            shard.seeds[0],
        )
        return found.numpy()

    def _codes(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """How often the unedited tokeniser reads each base code in the motions; int64 (V,)."""
        self._generator.edits.revert()
        checkpoint = self._generator.load()
        rvq = checkpoint.networks["rvq"]
        books = Codebooks.of(rvq)
        counts = np.zeros(rvq.config.codes, dtype=np.int64)
        for rows in features:
            normal = ((rows - checkpoint.mean) / checkpoint.std).astype(np.float32)
            np.add.at(counts, books.encode(rvq.encode(normal[None]))[0, :, 0], 1)
        return counts


def _figures(joints: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Every metric that reads joints alone, per motion."""
    data, rng = Evaluated(joints=joints), np.random.default_rng(0)
    found = {}
    for name, metric in METRICS.items():
        if metric.needs == _JOINTS_ALONE:
            values = metric.measure(data, rng).per_sample
            if values is not None:
                found[f"figure.{name}"] = values.astype(np.float64)
    return found


def _kept(joints: Sequence[np.ndarray], suite: str) -> dict[str, np.ndarray]:
    if suite not in _KEPT:
        return {}
    part = joints[: _KEPT[suite]]
    stacked = np.zeros((len(part), max(map(len, part)), *part[0].shape[1:]), dtype=np.float16)
    for row, motion in zip(stacked, part, strict=True):
        row[: len(motion)] = motion
    return {"joints": stacked, "frames": np.array([len(motion) for motion in part])}


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
