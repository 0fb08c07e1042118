"""What a worker does: generates the motions of one shard, embeds and measures them."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import torch
from safetensors.numpy import save

from backend.engines.protocol import Array
from backend.evaluation.benchmark.attack import attack
from backend.evaluation.benchmark.joints import on_grid, pack_joints
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.suites import ADVERSARIAL, Item
from backend.evaluation.evaluators.loading import EvaluatorPlace, open_evaluator
from backend.evaluation.metrics import METRICS, Evaluated
from backend.generation.codebooks import Codebooks
from backend.generation.context import GenerationContext
from backend.generation.generator import Generator, ignore_progress
from backend.generation.motion_codec import MotionCodec
from backend.generation.prompt_reader import PromptReader
from backend.generation.samplers.steps import NO_TOKEN
from backend.generation.takes import make_takes
from backend.generation.timeline import make_timeline
from backend.generation.token_guard import GuardedSampler
from backend.generation.token_sampler import Sampler, SampleSpec, TokenSampler, padded
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES
from backend.text.encoding import MINILM
from backend.unlearning.edit import Edit
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError
from shared.protocol.requests import Generate, Timeline
from shared.safety_choice import split_guard

_AND: Final = "-and-"
# Whether the token guard drew tokens of a motion anew.
REDRAWN: Final = "redrawn"
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
        return ShardName(self.model, self.method, self.suite, self.repeat, self.chunk).file


class ShardName(NamedTuple):
    """What the name of a shard's file says."""

    model: str
    method: str
    suite: str
    repeat: int
    chunk: int

    @property
    def file(self) -> str:
        """The file's name."""
        method = self.method.replace("+", _AND)
        return f"{self.model}.{method}.{self.suite}.{self.repeat:02}.{self.chunk:03}.safetensors"

    @classmethod
    def of(cls, file: str) -> "ShardName":
        """What a name says. Raises PlacidError `damaged_run` for one that no shard has."""
        try:
            model, method, suite, repeat, chunk, _ = file.split(".")
            return cls(model, method.replace(_AND, "+"), suite, int(repeat), int(chunk))
        except ValueError:
            raise PlacidError(
                "damaged_run", f"{file} is no shard of a run: take it out of the folder"
            ) from None


class Place(msgspec.Struct, frozen=True):
    """Where a worker finds everything.

    Attributes:
        checkpoint: folder of the networks.
        evaluator: where the evaluator lies.
        edits: contents of the run's edits by name, so that a worker needs no shared disk for them.
        encoder: folder of CLIP's files, for official checkpoints.
        concept: what the token guard watches for, as of `find_concept`.
    """

    checkpoint: Path
    evaluator: EvaluatorPlace
    edits: dict[str, bytes]
    encoder: Path | None = None
    concept: str = ""


class Worker:
    """Holds the networks and makes shards, whatever the order."""

    def __init__(self, place: Place, protocol: Protocol, scratch: Path) -> None:
        """Load everything; `scratch` is an empty folder for the edits' files."""
        torch.set_num_threads(protocol.threads)
        self._protocol, self._concept = protocol, place.concept
        self._generator = Generator(
            place.checkpoint,
            "cpu",
            EditStore(()),
            preset=protocol.preset,
            encoder_folder=place.encoder,
        )
        encoder = self._generator.encoder
        self._reader = PromptReader(place.checkpoint, self._generator.load().encoder)
        is_sentences = encoder.name == MINILM
        self._evaluator = open_evaluator(place.evaluator, encoder if is_sentences else None)
        self._edits: dict[str, Edit] = {}
        for name, content in place.edits.items():
            path = scratch / name
            path.write_bytes(content)
            self._edits[name] = Edit.load(path)

    def make(self, shard: Shard) -> bytes:
        """The shard's file: embeddings, figures, a histogram of codes and all joints.

        Figures are those of the joints as they are kept, so that they can be counted again.
        """
        text = self._generator.encoder.encode([item.prompt for item in shard.items])
        vectors = None
        if shard.suite == ADVERSARIAL:
            text = vectors = self._attacked(shard, text)
        features, joints, redrawn = self._motions(shard, text)
        kept = [on_grid(motion) for motion in joints]
        tensors = {
            "embeddings": self._evaluator.embed_motions(features),
            "codes": self._codes(features),
            **_figures(kept),
            **({f"figure.{REDRAWN}": np.array(redrawn, float)} if _is_guarded(shard) else {}),
            **pack_joints(kept),
            **({} if vectors is None else {"text": vectors.astype(np.float32)}),
        }
        return save({name: np.ascontiguousarray(value) for name, value in tensors.items()})

    def _motions(
        self, shard: Shard, text: np.ndarray
    ) -> tuple[list[np.ndarray], list[np.ndarray], list[bool]]:
        """Features (T, 263), joints (T, 22, 3) and whether the token guard drew anew, by item.

        Each motion goes the way that users' takes go.
        """
        codec = self._codec(shard)
        encode = self._generator.encoder.encode
        # What an attacked vector says, no text says.
        taken = encode if shard.suite != ADVERSARIAL else lambda prompts: text
        context = GenerationContext(self._drawing(shard), codec, taken, ignore_progress)
        plans = [self._plan(shard, item, seed) for item, seed in zip_items(shard)]
        features: dict[int, np.ndarray] = {}
        joints: dict[int, np.ndarray] = {}
        redrawn: dict[int, bool] = {}
        single = [(i, plan) for i, plan in enumerate(plans) if isinstance(plan, Generate)]
        for take in make_takes(single, context, FPS) if single else ():
            features[take.request], joints[take.request] = codec.last, take.joints
            redrawn[take.request] = bool(take.redraws)
        for i, plan in enumerate(plans):
            if isinstance(plan, Timeline):
                [(made, _, journal)] = make_timeline(plan, [plan.seed], context, FPS)
                features[i], joints[i], redrawn[i] = codec.last, made, bool(journal)
        order = range(len(plans))
        return (
            [features[i] for i in order],
            [joints[i] for i in order],
            [redrawn[i] for i in order],
        )

    def _plan(self, shard: Shard, item: Item, seed: int) -> Generate | Timeline:
        """What a user's request for the item becomes: one take, or a timeline of its actions."""
        request = Generate(
            item.prompt, seconds=item.tokens * FRAMES_PER_TOKEN / FPS, seed=seed, model=shard.model
        )
        if self._protocol.whole or shard.suite == ADVERSARIAL:
            return request
        return self._reader.plan(request, MAX_FRAMES / FPS)

    def _sampler(self, shard: Shard, edits: Sequence[Edit] | None = None) -> TokenSampler:
        checkpoint = self._generator.load()
        return TokenSampler(
            checkpoint.model_networks(shard.model),
            shard.model,
            self._protocol.sampled(shard.model),
            self._protocol.chunk,
            checkpoint.quirks,
            lambda: self._activate(shard, edits),
        )

    def _drawing(self, shard: Shard) -> Sampler:
        """The sampler, with the token guard before it in rows that name it."""
        sampler = self._sampler(shard)
        if not _is_guarded(shard):
            return sampler
        guard = self._generator.token_guard(shard.model, (self._concept,))
        return GuardedSampler(sampler, guard)

    def _activate(self, shard: Shard, edits: Sequence[Edit] | None = None) -> None:
        """Put a shard's edits in place, or others."""
        own = [self._edits[name] for name in shard.edits] if edits is None else edits
        self._generator.edits.activate(self._generator.load().networks, own, 1.0)

    def _codec(self, shard: Shard) -> "_KeepingCodec":
        checkpoint = self._generator.load()
        return _KeepingCodec(
            checkpoint.networks["rvq"],
            checkpoint.mean,
            checkpoint.std,
            checkpoint.features,
            lambda: self._activate(shard),
            self._generator.edits.revert,
        )

    def _attacked(self, shard: Shard, text: np.ndarray) -> np.ndarray:
        """The prompts' vectors after the search, which goes against the masked transformer."""
        networks = self._generator.load().networks
        if "masked" not in networks or not shard.edits:
            return text
        specs = [
            SampleSpec(vector, seed, item.tokens)
            for vector, (item, seed) in zip(text, zip_items(shard), strict=True)
        ]
        rows = list(self._sampler(shard, ()).sample(specs, ignore_progress))
        self._activate(shard)
        found = attack(
            networks["masked"].module,
            torch.from_numpy(text),
            torch.from_numpy(padded(rows, NO_TOKEN)[..., 0].copy()),
            torch.tensor([len(row) for row in rows]),
            self._protocol.attack_steps,
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


class _KeepingCodec(MotionCodec):
    """A codec that keeps the features of what it decoded last, for the evaluator."""

    last: np.ndarray

    def features(self, ids: Array) -> np.ndarray:
        """See `MotionCodec.features`."""
        self.last = super().features(ids)
        return self.last


def _is_guarded(shard: Shard) -> bool:
    return split_guard(shard.method)[1]


def zip_items(shard: Shard) -> Iterator[tuple[Item, int]]:
    """The items of a shard with their seeds."""
    return zip(shard.items, shard.seeds, strict=True)


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


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
