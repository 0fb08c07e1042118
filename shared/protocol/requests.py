"""What a front end can ask for, and what a backend says that it offers.

`Generate` makes motion from a prompt, `EditMotion` makes parts of a motion anew, `Timeline` makes
one motion from several prompts, `AuditMotion` looks for strikes and `RepairMotion` takes them out.
`validation.py` holds them against `Capabilities`.
"""

from typing import Final, Literal

import msgspec

LoopKind = Literal["off", "in_place", "travelling"]

# Clips are edited in windows of what the networks can see, which the backend knows. This is two
# minutes at 20 frames a second.
MAX_CLIP_FRAMES: Final = 2400
MAX_SEGMENTS: Final = 32
MAX_RANGES: Final = 64
MAX_PATH_POINTS: Final = 4000
# Metres from the origin; what is asked for also has to fit into `max_timeline_seconds`.
MAX_PATH_REACH: Final = 1000.0
MIN_PATH_LENGTH: Final = 0.5


class SamplingOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How tokens are drawn; None is what suits the model.

    Attributes:
        steps: iterations of MoMask's unmasking.
        guidance: classifier-free guidance scale of the base tokens.
        temperature: of the sampled base tokens.
        dropped_share: share of the tokens, the least likely ones, that are never drawn, 0 to 0.99.
        residual_guidance: classifier-free guidance scale of the residual tokens.
    """

    steps: int | None = None
    guidance: float | None = None
    temperature: float | None = None
    dropped_share: float | None = None
    residual_guidance: float | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What all requests have.

    Attributes:
        takes: how many variations; take k is made with seed + k.
        seed: start of the random numbers.
        model: one of the backend's models.
        safety: unlearning method, or `off`; None is the backend's default. Methods are joined by a
            plus, the token guard too (`lcr+token_guard`, `token_guard` alone).
        token_guard: switches the guard of that method on or off; None leaves it as named.
        audit_guard: whether frames in which the audit finds a strike are made again; not read where
            safety is off.
        concepts: what the method makes the model forget, beside violence; see `concepts.forgotten`.
        strength: how far the edit is applied, 0 (not at all) to 2; 1 as it was fitted.
        sampling: how tokens are drawn.
    """

    takes: int = 1
    seed: int = 0
    model: str = "momask"
    safety: str | None = None
    token_guard: bool | None = None
    audit_guard: bool = True
    concepts: tuple[str, ...] = ("violence",)
    strength: float = 1.0
    sampling: SamplingOptions = SamplingOptions()


class Path(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A curve on the floor that a motion follows.

    Attributes:
        points: x and z in metres, as in a motion with Y up: who faces +Z has +X on the left.
        times: seconds after the first frame at which the body is at each point; None where that is
            free, and none at all for a pace that comes from the length or from `seconds`.
        face: x and z of a point that the body turns to when it arrives.
    """

    points: tuple[tuple[float, float], ...]
    times: tuple[float | None, ...] = ()
    face: tuple[float, float] | None = None


class Generate(Settings, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="generate"):
    """A request for motion.

    Attributes:
        prompt: what the body shall do, in English.
        seconds: length of each take; None lets the length estimator choose.
        loop: `in_place` and `travelling` make the last frame meet the first; see `loop` in
            `docs/protocol.md`.
        path: where to go; the prompt says how. `seconds` may be longer then, and None lets the
            path's length decide.
    """

    prompt: str
    seconds: float | None = None
    loop: LoopKind = "off"
    path: Path | None = None


class EditMotion(Settings, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="edit"):
    """A request to make parts of a motion anew; the motion travels beside it.

    Attributes:
        prompt: what the body shall do in the new frames, in English.
        frames: ranges [start, end) of the motion's own frames, in order and apart from each other.
        anchored: whether the other frames stay where they are, single ones too, and the new frames
            meet them; else what follows a range goes on where that ends.
    """

    prompt: str
    frames: tuple[tuple[int, int], ...]
    anchored: bool = False


class RepairMotion(
    Settings, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="repair"
):
    """A request to take the strikes out of a motion, which travels beside it.

    Attributes:
        prompt: what the body shall do instead, in English; empty for what fits its way.
        frames: ranges [start, end) as of `EditMotion`; strikes that touch none of them stay, and
            without any range none stays.
        certain_only: whether what is only possibly a strike stays.
    """

    prompt: str = ""
    frames: tuple[tuple[int, int], ...] = ()
    certain_only: bool = False


class AuditMotion(Settings, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="audit"):
    """A request to look for strikes in a motion, which travels beside it.

    The answer is the motion as it is, with its audit; the settings change nothing.
    """

    @property
    def prompt(self) -> str:
        """Nothing is asked for."""
        return ""


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt of a timeline and how long it is acted on.

    Attributes:
        seam: seconds about its beginning that are made anew, so that it follows from the segment
            before it; None is the backend's own choice, 0 leaves both as they are. The first
            segment has none.
    """

    prompt: str
    seconds: float
    seam: float | None = None


class Timeline(Settings, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="timeline"):
    """A request for one motion that does one thing after the other.

    Attributes:
        segments: in order of time; together at most `Capabilities.max_timeline_seconds`.
        loop: as of `Generate`.
    """

    segments: tuple[Segment, ...]
    loop: LoopKind = "off"

    @property
    def prompt(self) -> str:
        """All prompts in one line, for names and lists."""
        return ", then ".join(segment.prompt for segment in self.segments)


Request = Generate | EditMotion | Timeline | RepairMotion | AuditMotion


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
        typed_concepts: methods that also forget a concept that is not listed: a keyword, several
            with commas ("crawl, creep"), or the path of a concept file (.toml). A word that nearly
            names a listed concept is refused as a slip unless a comma follows it.
        default_safety: the method used when a request names none, with `token_guard` where that is
            on by default.
        guarded_concepts: the listed concepts that the token guard can watch for.
        note: what the backend does in the background, a sentence for people; empty for nothing.
        min_seconds: shortest take and shortest segment of a timeline.
        max_seconds: longest take and longest segment.
        device: where the networks run, for example `cpu` or `cuda:0`.
        encoder: the text encoder in use.
        requests: kinds of requests that are understood: generate, edit, timeline, repair, audit.
        loops: values of `loop` that are understood.
        max_timeline_seconds: longest timeline.
        max_clip_frames: longest motion that can be edited.
        actions: what the model was trained on, each with a prompt that asks for it; empty where
            that is not known, as of official checkpoints.
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
    requests: tuple[str, ...] = ("generate", "edit", "timeline", "repair", "audit")
    loops: tuple[LoopKind, ...] = ("off", "in_place", "travelling")
    max_timeline_seconds: float = 60.0
    max_clip_frames: int = MAX_CLIP_FRAMES
    typed_concepts: tuple[str, ...] = ()
    actions: tuple[Choice, ...] = ()
    guarded_concepts: tuple[str, ...] = ()
    note: str = ""
