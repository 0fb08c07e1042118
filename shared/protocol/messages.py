"""What Blender, the command line and the backend say to each other.

The requests (`requests.py`) and what they are held against (`validation.py`) can be had from here
as well. The messages carry them, their progress and their results over the socket (`framing.py`).
"""

from typing import Any, Final, Literal

import msgspec

from ..errors import PlacidError
from ..motion.audit import Audit
from ..motion.motion import UpAxis
from .requests import AuditMotion as AuditMotion
from .requests import Capabilities as Capabilities
from .requests import Choice as Choice
from .requests import EditMotion as EditMotion
from .requests import Generate as Generate
from .requests import Path as Path
from .requests import RepairMotion as RepairMotion
from .requests import Request as Request
from .requests import SamplingOptions as SamplingOptions
from .requests import Segment as Segment
from .requests import Timeline as Timeline
from .validation import MAX_PROMPT_CHARACTERS as MAX_PROMPT_CHARACTERS
from .validation import MAX_SEED as MAX_SEED
from .validation import MAX_STRENGTH as MAX_STRENGTH
from .validation import MAX_TAKES as MAX_TAKES
from .validation import validate as validate

PROTOCOL_VERSION: Final = 4

BackendState = Literal["loading", "ready", "failed"]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=str.lower):
    """Base of everything that travels; the tag is the class name in lower case."""


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
        """The message for an error, of a job or of none."""
        return cls(error.code, error.message, job, error.details)


class Welcome(Message, frozen=True):
    """Backend to client: the answer to Hello, sent again whenever the state changes.

    Capabilities are there once the state is `ready`, the problem when it is `failed`.
    """

    version: str
    state: BackendState
    capabilities: Capabilities | None = None
    problem: Error | None = None


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a motion whose joints and contacts travel as arrays; see `Motion`."""

    up: UpAxis
    fps: float
    prompt: str
    seed: int | None
    provenance: dict[str, Any]
    audit: Audit | None = None


class Submit(Message, frozen=True):
    """Client to backend: make these takes. The client numbers its jobs.

    A request about a motion has it in `clip` and in arrays beside the message (`pack_submit`).
    """

    job: int
    request: Request
    clip: Clip | None = None


class Unload(Message, frozen=True):
    """Client to backend: let go of the model until the next request. A job: ends in Done.

    The process keeps its libraries, which take the most memory where torch is one of them: to free
    everything, end the backend.
    """

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
        seconds_left: an estimate from the time so far; None while it is too early for one.
    """

    job: int
    fraction: float
    stage: str
    step: int
    steps: int
    seconds_left: float | None = None


class Result(Message, frozen=True):
    """Backend to client: one finished take; its joints and contacts travel as arrays beside it."""

    job: int
    take: int
    takes: int
    clip: Clip


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
