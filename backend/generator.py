"""The one way to make a motion: prompt to text vector, tokens, features and joints."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from backend.checkpoints import EMBEDDED, Checkpoint, load_checkpoint
from backend.datasets.features import CONTACTS
from backend.device import choose_device
from backend.evaluation.kinematics import strikes
from backend.grounding import ground
from backend.models.noise import SeededNoise
from backend.models.sampling import Step
from backend.presets import DEFAULT, Sampling, find_preset
from backend.safety import EDITS, EditShelf
from backend.text_encoder import TextEncoder, clip_folder, make_encoder
from shared import VERSION
from shared.errors import PlacidError
from shared.motion import Motion
from shared.protocol import (
    Capabilities,
    Choice,
    FoundStrike,
    Generate,
    Request,
    validate,
)

FPS: Final = 20.0
FRAMES_PER_TOKEN: Final = 4
MAX_TOKENS: Final = 49
MIN_TOKENS: Final = 6
CHUNK: Final = 16  # takes that go through the networks together

_MODELS: Final = {
    "momask": "MoMask: fills all tokens in a few parallel steps",
    "bamm": "BAMM: writes tokens one after the other and finds its own length",
}

ReportProgress = Callable[[float, str], None]
IsCancelled = Callable[[], bool]


def ignore_progress(fraction: float, stage: str) -> None:
    """A progress report that nobody reads."""


def never() -> bool:
    """A request that is not cancelled."""
    return False


class Generator:
    """Makes motions from prompts with one checkpoint; loads its networks when first needed."""

    def __init__(
        self,
        checkpoint: Path = EMBEDDED,
        device: str | None = None,
        edits: EditShelf | None = None,
        *,
        preset: str = DEFAULT,
        encoder_folder: Path | None = None,
        allow_download: bool = False,
    ) -> None:
        """Load a checkpoint and its text encoder.

        Args:
            checkpoint: Placid's own folder, or the root of an official release.
            edits: the safety edits; those shipped for the embedded checkpoint, and for another one
                those in its folder `edits`.
            preset: what to do where the released code is odd; see `backend/presets.py`.
            encoder_folder: CLIP's files, for official checkpoints; the folder `clip` in the
                checkpoint's or the hub's cache if None.
            allow_download: whether CLIP may be fetched from the hub.

        Raises:
            PlacidError: when anything is missing, damaged or does not fit together.
        """
        self._folder = checkpoint
        self._device = choose_device(device)
        self._edits = edits or EditShelf(
            [EDITS if checkpoint == EMBEDDED else checkpoint / "edits"]
        )
        self._preset = find_preset(preset)
        self._encoder_folder = encoder_folder or clip_folder(checkpoint)
        self._allow_download = allow_download
        self._checkpoint: Checkpoint | None = None
        self._encoder: TextEncoder | None = None
        self.load()

    def load(self) -> Checkpoint:
        """The checkpoint, read now if it is not in memory."""
        if self._checkpoint is None:
            checkpoint = load_checkpoint(self._folder, self._device, self._preset.behaviour)
            if self._encoder is None:
                self._encoder = make_encoder(
                    checkpoint.encoder, self._encoder_folder, self._allow_download
                )
            checkpoint.check_encoder(self._encoder)
            self._checkpoint = checkpoint
        return self._checkpoint

    def unload(self) -> None:
        """Free the networks' memory; the next request loads them again."""
        self._edits.revert()
        self._checkpoint = None
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()

    @property
    def encoder(self) -> TextEncoder:
        """The text encoder of the checkpoint."""
        self.load()
        assert self._encoder is not None
        return self._encoder

    @property
    def edits(self) -> EditShelf:
        """The safety edits that requests can name."""
        return self._edits

    def capabilities(self) -> Capabilities:
        """What requests may ask for."""
        checkpoint = self.load()
        return Capabilities(
            version=VERSION,
            models=tuple(Choice(name, _MODELS[name]) for name in checkpoint.models()),
            safety=self._edits.methods(),
            concepts=self._edits.concepts(),
            default_safety=self._edits.default_method(),
            device=self._device,
            encoder=checkpoint.encoder,
            requests=("generate",),
            loops=("off",),
        )

    def audit(self, motion: Motion) -> tuple[FoundStrike, ...]:
        """The kicks, punches and swings that the kinematic checks find in a motion."""
        found = strikes(motion.with_up("Y").joints, motion.fps)
        return tuple(FoundStrike(s.kind, s.side, s.start, s.end, s.peak) for s in found)

    def generate(
        self,
        request: Request,
        progress: ReportProgress = ignore_progress,
        cancelled: IsCancelled = never,
        motion: Motion | None = None,
    ) -> Iterator[Motion]:
        """Yield the takes of a request, Y up, 20 fps, each as soon as it is done.

        Take k has seed `request.seed + k` and depends on nothing but the request and that seed.

        Raises:
            PlacidError: for a request that cannot be met, or `cancelled`.
        """
        validate(request, self.capabilities(), motion)
        assert isinstance(request, Generate)
        method = request.safety or self._edits.default_method()
        edits = self._edits.find(request.model, method, request.concepts)
        checkpoint = self.load()
        networks = checkpoint.model_networks(request.model)
        progress(0.0, "reading the prompt")
        text = self.encoder.encode([request.prompt])
        provenance = self._provenance(request, method)
        seeds = [request.seed + take for take in range(request.takes)]
        for start in range(0, len(seeds), CHUNK):
            part = seeds[start : start + CHUNK]

            def advance(
                fraction: float, stage: str, first: int = start, n: int = len(part)
            ) -> None:
                if cancelled():
                    raise PlacidError("cancelled", "the generation was cancelled")
                progress((first + fraction * n) / len(seeds), stage)

            self._edits.use(checkpoint.networks, edits, request.strength)
            features = self._features(
                networks, request.model, text.expand(len(part), -1), request, part, advance
            )
            for seed, rows in zip(part, features, strict=True):
                yield _motion(rows, request.prompt, seed, provenance)

    def sample_tokens(
        self,
        networks: dict[str, Any],
        model: str,
        text: Tensor,
        tokens: Sequence[int] | None,
        seeds: Sequence[int],
        sampling: Sampling,
        advance: ReportProgress = ignore_progress,
    ) -> tuple[Tensor, Tensor]:
        """Token ids (b, n, Q), -1 behind the end, and lengths (b).

        Args:
            text: (b, text_dim), one vector per sample.
            tokens: the lengths in tokens; None lets the model estimate them.
            seeds: one per sample; a sample's tokens do not depend on the others.
        """
        noise = SeededNoise.from_seeds(seeds)
        text = text.to(self._device)
        lengths = None if tokens is None else torch.tensor(tokens, device=self._device)
        layers = 5
        total = sampling.steps + layers

        def base_step(step: Step) -> None:
            advance(step.index / step.count * sampling.steps / total, "motion")

        def residual_step(step: Step) -> None:
            advance((sampling.steps + step.index) / total, "detail")

        if lengths is None and model == "momask":
            if "length" not in networks:
                raise PlacidError(
                    "no_length_estimator",
                    "the checkpoint has no length estimator; say how many seconds the motion shall "
                    "take, or add the estimator's folder to the checkpoint",
                )
            lengths = networks["length"].sample(text, noise).clamp(MIN_TOKENS, MAX_TOKENS)
        if model == "momask":
            base = networks["masked"].generate(
                text,
                lengths,
                noise=noise,
                steps=sampling.steps,
                guidance=sampling.guidance,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                on_step=base_step,
            )
        else:
            base, lengths = networks["bamm"].generate(
                text,
                lengths,
                noise=noise,
                guidance=sampling.guidance,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                on_step=base_step,
            )
        ids = networks["residual"].generate(
            base,
            text,
            lengths,
            noise=noise,
            guidance=sampling.residual_guidance,
            on_step=residual_step,
        )
        assert lengths is not None
        return ids, lengths

    def _features(
        self,
        networks: dict[str, Any],
        model: str,
        text: Tensor,
        request: Generate,
        seeds: Sequence[int],
        advance: ReportProgress,
    ) -> list[np.ndarray]:
        defaults = self._preset.sampling[model]
        sampling = replace(
            defaults,
            steps=request.steps or defaults.steps,
            guidance=defaults.guidance if request.guidance is None else request.guidance,
            temperature=request.temperature or defaults.temperature,
        )
        tokens = None
        if request.seconds is not None:
            count = round(request.seconds * FPS / FRAMES_PER_TOKEN)
            tokens = [min(max(count, 1), MAX_TOKENS)] * len(seeds)
        ids, lengths = self.sample_tokens(networks, model, text, tokens, seeds, sampling, advance)
        return self.decode(ids, lengths)

    @torch.no_grad()
    def decode(self, ids: Tensor, lengths: Tensor) -> list[np.ndarray]:
        """Features (4 n, 263) of each sample of token ids (b, N, Q) with lengths n (b).

        Samples are decoded at their own lengths, so that padding leaves no trace in the end.
        """
        checkpoint = self.load()
        rvq: Any = checkpoint.networks["rvq"]
        result = []
        for row, length in zip(ids, lengths.tolist(), strict=True):
            decoded = rvq.decode(row[None, :length])[0].float().cpu().numpy()
            result.append(decoded * checkpoint.std + checkpoint.mean)
        return result

    def _provenance(self, request: Generate, method: str) -> dict[str, Any]:
        return {
            "placid": VERSION,
            "model": request.model,
            "checkpoint": self.load().hash,
            "safety": method,
            "concepts": list(request.concepts) if method != "off" else [],
            "strength": request.strength,
            "device": self._device,
        }


def _motion(rows: np.ndarray, prompt: str, seed: int, provenance: dict[str, Any]) -> Motion:
    joints = ground(rows)
    contacts = rows[:, CONTACTS] > 0.5
    return Motion(joints, "Y", FPS, contacts, prompt, seed, provenance)
