"""Placid for scripts: one call that returns when the takes are there."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ...character.armature import create_character
from ...core import audits, runtime, takes
from ...core.jobs import Job
from ...shared.errors import PlacidError
from ...shared.protocol.messages import Generate, SamplingOptions

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class GeneratedTake:
    """One take that a script asked for.

    Attributes:
        name: of the take in the scene's list.
        armature: the character that plays it.
        action: the baked action, kept with the file.
        seed: the seed it was made with.
        seconds: its length.
        report: how well the rig follows the motion, in one sentence.
        strikes: what the backend's audit found, a sentence each.
    """

    name: str
    armature: bpy.types.Object
    action: bpy.types.Action
    seed: int
    seconds: float
    report: str
    strikes: tuple[str, ...] = ()


def generate_blocking(
    prompt: str,
    *,
    seconds: float | None = None,
    count: int = 1,
    seed: int = 0,
    safety: str | None = None,
    token_guard: bool | None = None,
    concepts: Sequence[str] = ("violence",),
    strength: float = 1.0,
    model: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
    temperature: float | None = None,
    armature: bpy.types.Object | None = None,
    scene: bpy.types.Scene | None = None,
    timeout: float = 600.0,
) -> list[GeneratedTake]:
    """Generate, bake and accept takes; returns once their keyframes are in the file.

    The backend is started when needed and stays up for further calls.

    Args:
        prompt: what the body shall do, in English.
        seconds: length of each take; None lets the model choose.
        count: how many variations; variation k has seed + k.
        seed: the same seed gives the same motion.
        safety: unlearning method or `off`; None is the backend's default.
        token_guard: whether violent tokens are drawn anew; None is as `safety` says.
        concepts: what the method makes the model forget.
        strength: how far the edit is applied.
        model: text-to-motion model; None is the first that the backend offers.
        guidance, steps, temperature: of the sampling; None is the model's own.
        armature: who moves; None adds Placid's own character.
        scene: where the takes are listed; None is the current scene.
        timeout: seconds to wait in all.

    Returns:
        The takes; the armature plays the last one.

    Raises:
        PlacidError: with one sentence, whatever went wrong; `timed_out` after `timeout`.
    """
    request = Generate(
        prompt=prompt,
        seconds=seconds,
        takes=count,
        seed=seed,
        safety=safety,
        token_guard=token_guard,
        concepts=tuple(concepts),
        strength=strength,
        model=model or _default_model(),
        sampling=SamplingOptions(steps=steps, guidance=guidance, temperature=temperature),
    )
    scene = scene or bpy.context.scene
    current = runtime.get()
    job = current.generate(scene, request, lambda: armature or create_character(bpy.context))
    _wait(current, job, timeout)
    return [_finish(scene, scene.placid.takes[name]) for name in job.takes]


def _default_model() -> str:
    """The first model that the backend offers; MoMask before it is known."""
    capabilities = runtime.session().capabilities
    return capabilities.models[0].name if capabilities else Generate("").model


def _wait(current: runtime.Runtime, job: Job, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not job.over:
        if time.monotonic() > deadline:
            # Only what this script asked for; the user's own generations go on.
            current.cancel(job)
            raise PlacidError(
                "timed_out",
                f"the generation of {job.request.prompt!r} took longer than {timeout:g} seconds; "
                "allow more time or ask for fewer takes",
            )
        current.tick(_POLL_SECONDS)
    if job.error is not None:
        raise job.error


def _finish(scene: bpy.types.Scene, take) -> GeneratedTake:
    takes.accept(scene, take)
    return GeneratedTake(
        take.name,
        take.armature,
        take.action,
        take.seed,
        take.seconds,
        take.report,
        tuple(strike.sentence for strike in audits.strikes(scene, take)),
    )
