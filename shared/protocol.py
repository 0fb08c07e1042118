"""What Blender, the command line and the backend say to each other.

`Generate` is the one request for motion; `validate` holds it against what a backend can do. The
other messages carry it, its progress and its results over the socket (`framing.py`).
"""

import difflib
import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from .errors import PlacidError
from .motion import UpAxis

PROTOCOL_VERSION: Final = 1

MAX_PROMPT_CHARACTERS: Final = 500
MAX_TAKES: Final = 64
# The ranges outside which sampling yields noise or nothing; far wider than is useful.
MAX_STRENGTH: Final = 2.0
MAX_STEPS: Final = 100
MAX_GUIDANCE: Final = 20.0
MAX_TEMPERATURE: Final = 4.0
# Blender's integer properties are signed 32-bit; every take adds its index to the seed.
MAX_SEED: Final = 2**31 - 1

BackendState = Literal["loading", "ready", "failed"]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=str.lower):
    """Base of everything that travels; the tag is the class name in lower case."""


class Generate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for motion.

    Attributes:
        prompt: what the body shall do, in English.
        seconds: length of each take; None lets the length estimator choose.
        takes: how many variations; take k is made with seed + k.
        seed: start of the random numbers.
        model: one of the backend's models.
        safety: unlearning method, or `off`; None is the backend's default.
        concepts: what the method makes the model forget.
        strength: how far the edit is applied, 0 (not at all) to 2; 1 as it was fitted.
        steps: sampling iterations; None is the model's default.
        guidance: classifier-free guidance scale; None is the model's default.
        temperature: of the sampled tokens; None is the model's default.
    """

    prompt: str
    seconds: float | None = None
    takes: int = 1
    seed: int = 0
    model: str = "momask"
    safety: str | None = None
    concepts: tuple[str, ...] = ("violence",)
    strength: float = 1.0
    steps: int | None = None
    guidance: float | None = None
    temperature: float | None = None


class Choice(msgspec.Struct, frozen=True):
    """One entry of a list the user picks from."""

    name: str
    description: str


class Capabilities(msgspec.Struct, frozen=True):
    """What a backend offers; front ends draw their choices from this alone.

    Attributes:
        version: Placid's version.
        models: text-to-motion models that are present.
        safety: unlearning methods, `off` included.
        concepts: what can be forgotten.
        default_safety: the method used when a request names none.
        min_seconds: shortest take.
        max_seconds: longest take.
        device: where the networks run, for example `cpu` or `cuda:0`.
        encoder: the text encoder in use.
    """

    version: str
    models: tuple[Choice, ...]
    safety: tuple[Choice, ...]
    concepts: tuple[Choice, ...]
    default_safety: str
    min_seconds: float = 1.0
    max_seconds: float = 9.8
    device: str = "cpu"
    encoder: str = ""


class Hello(Message, frozen=True):
    """Client to backend, first: who speaks (a name and version for the log)."""

    client: str


class Error(Message, frozen=True):
    """Backend to client: a job, or a message that belongs to none, failed."""

    code: str
    message: str
    job: int | None = None
    details: dict[str, str] = {}

    @classmethod
    def of(cls, error: PlacidError, job: int | None = None) -> "Error":
        return cls(error.code, error.message, job, error.details)


class Welcome(Message, frozen=True):
    """Backend to client: the answer to Hello, sent again whenever the state changes.

    Capabilities are there once the state is `ready`, the problem when it is `failed`.
    """

    version: str
    state: BackendState
    capabilities: Capabilities | None = None
    problem: Error | None = None


class Submit(Message, frozen=True):
    """Client to backend: make these takes. The client numbers its jobs."""

    job: int
    request: Generate


class Unload(Message, frozen=True):
    """Client to backend: free the model's memory until the next request. A job: ends in Done."""

    job: int


class Cancel(Message, frozen=True):
    """Client to backend: give the job up; it ends in an Error `cancelled`."""

    job: int


class Progress(Message, frozen=True):
    """Backend to client: how far a job is.

    Attributes:
        fraction: of the whole job, 0 to 1.
        stage: what is being done, for people.
        step: takes that are finished.
        steps: takes that were asked for.
    """

    job: int
    fraction: float
    stage: str
    step: int
    steps: int


class Result(Message, frozen=True):
    """Backend to client: one finished take; joints and contacts travel as arrays beside it."""

    job: int
    take: int
    takes: int
    up: UpAxis
    fps: float
    prompt: str
    seed: int | None
    provenance: dict[str, Any]


class Done(Message, frozen=True):
    """Backend to client: the job is complete, nothing follows."""

    job: int


class Ping(Message, frozen=True):
    """Either way: answer with Pong."""


class Pong(Message, frozen=True):
    """Either way: still alive."""


class Shutdown(Message, frozen=True):
    """Client to backend: end."""


AnyMessage = (
    Hello
    | Welcome
    | Submit
    | Unload
    | Cancel
    | Progress
    | Result
    | Done
    | Error
    | Ping
    | Pong
    | Shutdown
)


def validate(request: Generate, capabilities: Capabilities) -> None:
    """Hold a request against what the backend can do.

    Raises:
        PlacidError: `bad_request` for a value out of range; `unknown_model`, `unknown_method` or
            `unknown_concept` for a name the backend does not have.
    """
    _check_prompt(request.prompt)
    shortest, longest = capabilities.min_seconds, capabilities.max_seconds
    _check_range("seconds", request.seconds, shortest, longest)
    _check_range("takes", request.takes, 1, MAX_TAKES)
    _check_range("seed", request.seed, 0, MAX_SEED)
    _check_range("strength", request.strength, 0, MAX_STRENGTH)
    _check_range("steps", request.steps, 1, MAX_STEPS)
    _check_range("guidance", request.guidance, 0, MAX_GUIDANCE)
    _check_range("temperature", request.temperature, 0.01, MAX_TEMPERATURE)
    _check_name("model", request.model, capabilities.models, "unknown_model")
    if request.safety is not None:
        _check_name("safety method", request.safety, capabilities.safety, "unknown_method")
    if request.safety == "off":
        return
    if not request.concepts:
        raise PlacidError(
            "bad_request", "no concept to forget is named; name one, or choose safety 'off'"
        )
    for concept in request.concepts:
        _check_name("concept", concept, capabilities.concepts, "unknown_concept")


def _check_prompt(prompt: str) -> None:
    if not prompt.strip():
        raise PlacidError(
            "bad_request", "the prompt is empty; describe the motion, as in 'a person waves'"
        )
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise PlacidError(
            "bad_request",
            f"the prompt has {len(prompt)} characters; shorten it to at most "
            f"{MAX_PROMPT_CHARACTERS}",
        )


def _check_range(name: str, value: float | None, lowest: float, highest: float) -> None:
    if value is None:
        return
    # Written so that a value that is not a number fails as well.
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise PlacidError(
            "bad_request", f"{name} is {value:g}; choose a value from {lowest:g} to {highest:g}"
        )


def _check_name(kind: str, name: str, choices: Sequence[Choice], code: str) -> None:
    names = [choice.name for choice in choices]
    if name in names:
        return
    close = difflib.get_close_matches(name.lower(), names, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(names)}"
    raise PlacidError(code, f"there is no {kind} {name!r}; {remedy}")
