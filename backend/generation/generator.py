"""The one way to make a motion: prompt to text vector, tokens, features and joints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.checkpoints.loading import EMBEDDED, Checkpoint, load_checkpoint
from backend.engines.choose import choose_engine
from backend.engines.protocol import Array, Network
from backend.generation import default_fit
from backend.generation.audit_guard import AuditGuard, forbidden_kinds
from backend.generation.context import GenerationContext, never_falling, subprogress
from backend.generation.editing import edit_motion
from backend.generation.guard_store import GuardStore
from backend.generation.labels import edited_entries, effect_entries
from backend.generation.motion_codec import MotionCodec
from backend.generation.path import make_paths
from backend.generation.presets import DEFAULT, find_preset
from backend.generation.prompt_match import PromptMatcher
from backend.generation.prompt_reader import PromptReader
from backend.generation.redraws import AnyRedraw, guard_entries
from backend.generation.repair import Repair
from backend.generation.samplers.steps import NO_TOKEN
from backend.generation.sampling import Sampling
from backend.generation.takes import make_takes
from backend.generation.timeline import make_timeline
from backend.generation.token_guard import GuardedSampler, TokenGuard
from backend.generation.token_sampler import (
    ReportProgress,
    Sampler,
    SampleSpec,
    TokenSampler,
    padded,
)
from backend.kinematic_checks.audit import audit_motion
from backend.motion.lengths import FPS, MAX_SECONDS
from backend.text.encoders import clip_folder, make_encoder
from backend.text.encoding import TextEncoder
from backend.unlearning.concept import find_concept
from backend.unlearning.defaults import defaults
from backend.unlearning.edit import Edit
from backend.unlearning.edit_store import EditStore, edit_folders
from backend.unlearning.fit import FitInputs, fit_edit, statistics_folders
from backend.unlearning.watched_concept import target_prompt
from shared import VERSION, concepts
from shared.concepts import VIOLENCE
from shared.errors import PlacidError
from shared.motion.audit import Audit
from shared.motion.blocks import Block, blocks_entry, blocks_in, renamed, spans
from shared.motion.motion import Motion
from shared.motion.safety import NOTHING
from shared.motion.understanding import Understanding, match_entry
from shared.protocol.messages import (
    AuditMotion,
    Capabilities,
    Choice,
    EditMotion,
    Generate,
    RepairMotion,
    Request,
    Timeline,
    validate,
)
from shared.safety_choice import OFF, TOKEN_GUARD, split_guard, with_guard

_MODELS: Final = {
    "momask": "MoMask: fills all tokens in a few parallel steps",
    "bamm": "BAMM: writes tokens one after the other and finds its own length",
}

_GUARD: Final = "Token Guard: violent tokens are drawn anew; no weight changes"

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
        edits: EditStore | None = None,
        *,
        engine: str | None = None,
        preset: str = DEFAULT,
        encoder_folder: Path | None = None,
        allow_download: bool = False,
    ) -> None:
        """Load a checkpoint and its text encoder.

        Args:
            checkpoint: Placid's own folder, or the root of an official release.
            edits: the safety edits; those shipped for the embedded checkpoint, and for another one
                those in its folder `edits`.
            engine: what computes, `numpy` or `torch`; torch where it is installed if None.
            preset: what to do where the released code is odd; see `backend/generation/presets.py`.
            encoder_folder: CLIP's files, for official checkpoints; the folder `clip` in the
                checkpoint's or the hub's cache if None.
            allow_download: whether CLIP may be fetched from the hub.

        Raises:
            PlacidError: when anything is missing, damaged or does not fit together.
        """
        self._folder = checkpoint
        self._engine = choose_engine(device, engine)
        self._edits = edits or EditStore(edit_folders(checkpoint), checkpoint=checkpoint)
        self._guards = GuardStore(checkpoint)
        self._preset = find_preset(preset)
        self._encoder_folder = encoder_folder or clip_folder(checkpoint)
        self._allow_download = allow_download
        self._matcher = PromptMatcher()
        self._checkpoint: Checkpoint | None = None
        self._encoder: TextEncoder | None = None
        self._edits.fit_with(self._fit)
        self.load()

    def _fit(self, model: str, method: str, concept: str) -> Edit:
        """The edit for a concept that no file holds; see `EditStore`."""
        checkpoint = self.load()
        folder = self._folder
        materials = FitInputs(self.encoder, statistics_folders(folder), checkpoint=folder)
        return fit_edit(checkpoint, materials, find_concept(concept), method, model)

    def load(self) -> Checkpoint:
        """The checkpoint, read now if it is not in memory."""
        if self._checkpoint is None:
            checkpoint = load_checkpoint(self._folder, self._engine, self._preset.quirks)
            if self._encoder is None:
                self._encoder = make_encoder(
                    checkpoint.encoder, self._encoder_folder, self._allow_download
                )
            checkpoint.check_encoder(self._encoder)
            self._reader = PromptReader(self._folder, checkpoint.encoder)
            self._checkpoint = checkpoint
        return self._checkpoint

    def sampling(self, model: str) -> Sampling:
        """How the model samples where a request says nothing: the preset, as the checkpoint asks.

        The published preset stays as it was published.
        """
        preset, guidance = self._preset.sampling[model], self.load().guidance
        return preset.guided(guidance) if self._preset is find_preset(DEFAULT) else preset

    def unload(self) -> None:
        """Free the networks' memory; the next request loads them again."""
        self._edits.revert()
        self._checkpoint = None
        if self._encoder is not None:
            self._encoder.unload()
        self._engine.free()

    @property
    def encoder(self) -> TextEncoder:
        """The text encoder of the checkpoint."""
        self.load()
        assert self._encoder is not None
        return self._encoder

    @property
    def folder(self) -> Path:
        """The checkpoint's."""
        return self._folder

    @property
    def edits(self) -> EditStore:
        """The safety edits that requests can name."""
        return self._edits

    def fit_at_once(self) -> list[str]:
        """Fit the quick parts of the default where the checkpoint lacks them; see `default_fit`."""
        return default_fit.fit_at_once(self)

    def fit_when_idle(self) -> Iterator[str]:
        """Fit all that the default lacks, in steps of a few seconds; see `default_fit`."""
        yield from default_fit.fit_at_once(self)
        yield from default_fit.fit_when_idle(self)

    def token_guard(self, model: str, concepts: Sequence[str]) -> TokenGuard:
        """The guard for what a model draws.

        Raises:
            PlacidError: `no_token_guard` when it has limits for none of the concepts.
        """
        return self._guards.find(self.load(), self.encoder, model, concepts)

    def capabilities(self) -> Capabilities:
        """What requests may ask for."""
        checkpoint = self.load()
        models = checkpoint.models()
        guarded = tuple(
            choice.name
            for choice in self._edits.concepts()
            if models and self._guards.has(checkpoint, models[0], choice.name)
        )
        *methods, off = self._edits.methods()
        if guarded:
            methods.append(Choice(TOKEN_GUARD, _GUARD))
        return Capabilities(
            version=VERSION,
            models=tuple(Choice(name, _MODELS[name]) for name in models),
            safety=(*methods, off),
            concepts=self._edits.concepts(),
            typed_concepts=self._edits.typed_methods(),
            default_safety=self._default(next(iter(models), "momask"), (VIOLENCE,)),
            max_seconds=MAX_SECONDS,
            guarded_concepts=guarded,
            device=self._engine.device,
            encoder=checkpoint.encoder,
            actions=tuple(Choice(known.name, known.example) for known in self._reader.actions),
        )

    def check(self, *requests: Request, motion: Motion | None = None) -> None:
        """Hold requests of the command line or a script against the capabilities; see `validate`.

        Raises:
            PlacidError: for the first one that cannot be met.
        """
        capabilities = self.capabilities()
        for request in requests:
            validate(request, capabilities, motion)

    def understand(self, request: Request) -> Understanding | None:
        """Whether the model knows what a request asks for; None where nobody can tell."""
        self.load()
        return self._reader.understand(request, self.encoder.encode)

    def audit(self, motion: Motion) -> Audit:
        """The kicks, punches, bouts and swings that the kinematic checks find in a motion."""
        return audit_motion(motion)

    def _audited(self, motion: Motion) -> Motion:
        """The motion with its audit and, where that can be told, how well it fits its prompt."""
        match = self._matcher.match(motion.prompt, motion, self.encoder)
        told = motion.provenance if match is None else motion.provenance | match_entry(match)
        return replace(motion, audit=self.audit(motion), provenance=told)

    def generate(
        self,
        request: Request,
        progress: ReportProgress = ignore_progress,
        cancelled: IsCancelled = never,
        motion: Motion | None = None,
    ) -> Iterator[Motion]:
        """Yield the takes of a request, each as soon as it is done, with its audit.

        Take k has seed `request.seed + k` and depends on nothing but the request and that seed.
        What is generated has Y up and 20 fps; an edit has what its motion has.

        Args:
            request: one that was held against the capabilities where it came in: by the worker, or
                with `check`.
            motion: what an EditMotion, RepairMotion or AuditMotion is about.

        Raises:
            PlacidError: for a request that cannot be met, or `cancelled`.
        """
        if isinstance(request, Generate):
            for _, take in self.generate_batch([request], progress, cancelled):
                yield take
            return
        if isinstance(request, AuditMotion):
            assert motion is not None, "validated"
            yield self._audited(motion)
            return
        if isinstance(request, RepairMotion):
            assert motion is not None, "validated"
            yield from self._repaired(request, motion, never_falling(progress), cancelled)
            return
        context = self._context(request, progress, cancelled)
        seeds = [request.seed + take for take in range(request.takes)]
        provenance = self._reader.told(request, self.encoder.encode, self._provenance(request))
        if isinstance(request, Timeline):
            yield from self._follow(request, context, provenance)
            return
        assert motion is not None, "checked"
        blocks = blocks_in(motion.provenance)
        spanned = spans(blocks, motion.fps, len(motion))
        provenance |= blocks_entry(renamed(blocks, spanned, request.frames, request.prompt))
        made = edit_motion(request, motion, seeds, context)
        for seed, (edited, redraws) in zip(seeds, made, strict=True):
            own = _with_redraws(provenance, redraws)
            own |= edited_entries(motion, request.frames, own)
            yield self._audited(replace(edited, prompt=request.prompt, seed=seed, provenance=own))

    def _repaired(
        self,
        request: RepairMotion,
        motion: Motion,
        progress: ReportProgress,
        cancelled: IsCancelled,
    ) -> Iterator[Motion]:
        """The motion with its strikes taken out, once for each take."""

        def edit(one: EditMotion, clip: Motion, report: ReportProgress) -> Iterator[Motion]:
            return self.generate(one, report, cancelled, clip)

        repair = Repair(request, edit, self.audit)
        for take in range(request.takes):
            share = subprogress(progress, take / request.takes, 1 / request.takes)
            yield repair.run(motion, request.seed + take, share)

    def _follow(
        self, timeline: Timeline, context: GenerationContext, provenance: dict[str, Any]
    ) -> Iterator[Motion]:
        """The takes of a timeline."""
        seeds = [timeline.seed + take for take in range(timeline.takes)]
        blocks = [Block(segment.prompt, segment.seconds) for segment in timeline.segments]
        told = provenance | blocks_entry(blocks)
        made = make_timeline(timeline, seeds, context, FPS)
        for seed, (joints, contacts, redraws) in zip(seeds, made, strict=True):
            own = _with_redraws(told, redraws)
            yield self._audited(Motion(joints, "Y", FPS, contacts, timeline.prompt, seed, own))

    def _along(
        self, request: Generate, context: GenerationContext, provenance: dict[str, Any]
    ) -> Iterator[Motion]:
        """The takes of a request with a path."""
        seeds = [request.seed + take for take in range(request.takes)]
        made = make_paths(request, self._reader.parts(request.prompt), seeds, context)
        for seed, path in zip(seeds, made, strict=True):
            told = _with_redraws(provenance | path.told, path.redraws)
            yield self._audited(
                Motion(path.joints, "Y", FPS, path.contacts, request.prompt, seed, told)
            )

    def generate_batch(
        self,
        requests: Sequence[Generate],
        progress: ReportProgress = ignore_progress,
        cancelled: IsCancelled = never,
    ) -> Iterator[tuple[int, Motion]]:
        """Yield the takes of many requests with the number of their request.

        Requests that differ in prompt, length, seed and takes alone go through the networks
        together; each take is the one that its request gives by itself. They were checked, as
        those of `generate`.

        Raises:
            PlacidError: for a request that cannot be met, or `cancelled`.
        """
        groups: dict[Generate, list[int]] = {}
        for number, request in enumerate(requests):
            groups.setdefault(_settings(request), []).append(number)
        done, total = 0, sum(request.takes for request in requests)
        for settings, numbers in groups.items():
            takes = sum(requests[number].takes for number in numbers)
            share = subprogress(progress, done / total, takes / total)
            context = self._context(settings, share, cancelled)
            provenance = self._provenance(settings)
            told = {
                number: self._reader.told(requests[number], self.encoder.encode, provenance)
                for number in numbers
            }
            plans = {
                number: self._reader.plan(requests[number], MAX_SECONDS)
                for number in numbers
                if requests[number].path is None
            }
            made = 0
            for number, request in ((n, requests[n]) for n in numbers if requests[n].path):
                part = _part(context, made / takes, request.takes / takes)
                for motion in self._along(request, part, told[number]):
                    yield number, motion
                made += request.takes
            for number, plan in plans.items():
                if isinstance(plan, Timeline):
                    part = _part(context, made / takes, plan.takes / takes)
                    for motion in self._follow(plan, part, told[number]):
                        yield number, replace(motion, prompt=requests[number].prompt)
                    made += plan.takes
            single = [
                (number, plan) for number, plan in plans.items() if isinstance(plan, Generate)
            ]
            part = _part(context, made / takes, 1 - made / takes)
            for take in make_takes(single, part, FPS) if single else ():
                prompt = requests[take.request].prompt
                own = _with_redraws(told[take.request], take.redraws)
                motion = Motion(take.joints, "Y", FPS, take.contacts, prompt, take.seed, own)
                yield take.request, self._audited(motion)
            done += takes
            share(1.0, "done")

    def _context(
        self, request: Request, progress: ReportProgress, cancelled: IsCancelled
    ) -> GenerationContext:
        """What a request is made with; every report of progress asks whether it is cancelled."""
        checkpoint = self.load()
        rising = never_falling(progress)

        def advance(fraction: float, stage: str) -> None:
            if cancelled():
                raise PlacidError("cancelled", "the generation was cancelled")
            rising(fraction, stage)

        method, guarded = split_guard(self._method(request))
        edits = self._edits.find(
            request.model,
            method or OFF,
            forgotten(request),
            lambda: advance(0.0, "learning what to forget"),
        )
        guard = self._guard(request) if guarded else None

        def prepare() -> None:
            # Takes are made when they are asked for, and other requests may come in between.
            self._edits.activate(checkpoint.networks, edits, request.strength)

        prepare()
        advance(0.0, "reading the prompt")
        sampler = TokenSampler(
            checkpoint.model_networks(request.model),
            request.model,
            self.sampling(request.model).chosen(request.sampling),
            self._engine.batch,
            checkpoint.quirks,
            prepare,
        )
        codec = self._codec(checkpoint, prepare)
        drawing = GuardedSampler(sampler, guard) if guard is not None else sampler
        watching = self._audit_guard(request, drawing)
        return GenerationContext(
            drawing, codec, self.encoder.encode, advance, checkpoint.quirks, watching
        )

    def _audit_guard(self, request: Request, sampler: Sampler) -> AuditGuard | None:
        """What looks at the joints; None where safety is off, or the request says so."""
        kinds = forbidden_kinds(forgotten(request))
        is_off = self._method(request) == OFF or request.strength < NOTHING
        # What reproduces published figures has nothing behind its samplers.
        is_published = self._preset is not find_preset(DEFAULT)
        if is_off or is_published or not request.audit_guard or not kinds:
            return None
        target = target_prompt(find_concept(VIOLENCE))
        return AuditGuard(sampler, kinds, self.encoder.encode([target])[0], target)

    def sample_tokens(
        self,
        networks: Mapping[str, Network],
        model: str,
        text: Array,
        tokens: Sequence[int] | None,
        seeds: Sequence[int],
        sampling: Sampling,
        guard: TokenGuard | None = None,
        prompts: Sequence[str] = (),
    ) -> tuple[Array, Array]:
        """Token ids (b, n, Q), -1 behind the end, and lengths (b).

        Args:
            text: (b, text_dim), one vector per sample.
            tokens: the lengths in tokens; None lets the model estimate them.
            seeds: one per sample; a sample's tokens do not depend on the others.
            guard: draws tokens anew.
            prompts: what the vectors say, for the guard's seeds.
        """
        lengths = [None] * len(seeds) if tokens is None else tokens
        specs = [
            SampleSpec(vector, seed, length, prompt=prompt)
            for vector, seed, length, prompt in zip(
                text, seeds, lengths, prompts or [""] * len(seeds), strict=True
            )
        ]
        quirks = self.load().quirks
        sampler = TokenSampler(networks, model, sampling, self._engine.batch, quirks)
        drawing = GuardedSampler(sampler, guard) if guard is not None else sampler
        rows = list(drawing.sample(specs, ignore_progress))
        return padded(rows, NO_TOKEN), np.array([len(row) for row in rows])

    def decode(self, ids: Array, lengths: Array) -> list[np.ndarray]:
        """Features (4 n, 263) of each sample of token ids (b, N, Q) with lengths n (b).

        Samples are decoded at their own lengths, so that padding leaves no trace in the end.
        """
        codec = self._codec(self.load())
        pairs = zip(ids, lengths.tolist(), strict=True)
        return [codec.features(row[:length]) for row, length in pairs]

    def _codec(
        self, checkpoint: Checkpoint, prepare: Callable[[], None] = lambda: None
    ) -> MotionCodec:
        return MotionCodec(
            checkpoint.networks["rvq"],
            checkpoint.mean,
            checkpoint.std,
            checkpoint.features,
            prepare,
            self._edits.revert,
        )

    def _method(self, request: Request) -> str:
        """The method of a request, with the token guard where that is on."""
        named = request.safety or self._default(request.model, forgotten(request))
        return with_guard(named, request.token_guard)

    def _default(self, model: str, concepts: Sequence[str]) -> str:
        """The method for requests that name none; the guard stays on where it has limits."""
        _, guarded = split_guard(defaults().safety)
        weights = self._edits.default_method(model, concepts)
        checkpoint = self.load()
        if guarded and any(self._guards.has(checkpoint, model, concept) for concept in concepts):
            return f"{weights}+{TOKEN_GUARD}" if weights else TOKEN_GUARD
        return weights or TOKEN_GUARD

    def _guard(self, request: Request) -> TokenGuard:
        return self.token_guard(request.model, forgotten(request))

    def _provenance(self, request: Request) -> dict[str, Any]:
        """What made a request's takes; the request's edits are in force."""
        method = self._method(request)
        guarded: tuple[str, ...] = ()
        if split_guard(method)[1]:
            guarded = tuple(concept.name for concept in self._guard(request).concepts)
        return {
            "placid": VERSION,
            "model": request.model,
            "checkpoint": self.load().hash,
            "strength": request.strength,
            **effect_entries(method, self._edits.effects, guarded),
            "engine": self._engine.name,
            "device": self._engine.device,
        }


def forgotten(request: Request) -> tuple[str, ...]:
    """What a request forgets, violence included where it does not say otherwise."""
    return () if request.safety == OFF else concepts.forgotten(request.concepts)


def _with_redraws(made: dict[str, Any], redraws: Sequence[AnyRedraw]) -> dict[str, Any]:
    """The provenance of one take, with what the guards drew anew in it."""
    return made | guard_entries(made, made["guarded"], redraws)


def _part(context: GenerationContext, start: float, share: float) -> GenerationContext:
    """The context of a part of the work; see `subprogress`."""
    return replace(context, progress=subprogress(context.progress, start, share))


def _settings(request: Generate) -> Generate:
    """What requests that can be made together have in common."""
    estimated = None if request.seconds is None else 1.0
    return msgspec.structs.replace(request, prompt="", seconds=estimated, seed=0, takes=1)
