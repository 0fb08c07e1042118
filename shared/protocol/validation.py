"""Requests held against what a backend can do: every refusal is one sentence with the remedy."""

import difflib
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ..concepts import check_typed, concept_name, forgotten, is_file, keywords_of
from ..errors import PlacidError
from ..motion.motion import Motion
from ..names import printable
from ..safety_choice import OFF, split_guard, with_guard
from .paths import check_path
from .requests import (
    MAX_RANGES,
    MAX_SEGMENTS,
    AuditMotion,
    Capabilities,
    Choice,
    EditMotion,
    Generate,
    RepairMotion,
    Request,
    SamplingOptions,
    Settings,
    Timeline,
)

MAX_PROMPT_CHARACTERS: Final = 500
MAX_TAKES: Final = 64
# The ranges outside which sampling yields noise or nothing; far wider than is useful.
MAX_STRENGTH: Final = 2.0
MAX_STEPS: Final = 100
MAX_GUIDANCE: Final = 20.0
MAX_TEMPERATURE: Final = 4.0
MAX_DROPPED_SHARE: Final = 0.99
# Of a timeline; a longer one would leave nothing of the shortest segments beside it.
MAX_SEAM_SECONDS: Final = 2.0
# Blender's integer properties are signed 32-bit; every take adds its index to the seed.
MAX_SEED: Final = 2**31 - 1
# A motion that is edited needs so many frames for its directions and speeds to be known.
MIN_CLIP_FRAMES: Final = 8
MAX_FPS: Final = 240


def validate(request: Request, capabilities: Capabilities, motion: Motion | None = None) -> None:
    """Hold a request against what the backend can do.

    Args:
        motion: what an EditMotion is about, and what no other request has.

    Raises:
        PlacidError: `bad_request` for a value out of range, `bad_concept` for a concept that means
            nothing; `unknown_model`, `unknown_method`, `unknown_concept` or `unknown_request` for a
            name the backend does not have.
    """
    kind = str(request.__struct_config__.tag)
    if kind not in capabilities.requests:
        raise PlacidError(
            "unknown_request",
            f"this backend cannot do {kind!r}; install the same Placid version on both sides",
        )
    match request:
        case Generate():
            _check_prompt(request.prompt)
            shortest, longest = capabilities.min_seconds, capabilities.max_seconds
            if request.path is not None:
                longest = capabilities.max_timeline_seconds
                check_path(request.path, request.seconds, longest)
            _check_range("seconds", request.seconds, shortest, longest)
            _check_loop(request.loop, capabilities)
            if request.path is not None and request.loop != "off":
                raise PlacidError(
                    "bad_request", "what follows a path arrives and ends there; set the loop to off"
                )
        case EditMotion() | RepairMotion() | AuditMotion():
            _check_about(request, capabilities, motion)
        case Timeline():
            _check_segments(request, capabilities)
            _check_loop(request.loop, capabilities)
    _check_settings(request, capabilities)


def _check_settings(request: Settings, capabilities: Capabilities) -> None:
    _check_range("takes", request.takes, 1, MAX_TAKES)
    _check_range("seed", request.seed, 0, MAX_SEED)
    _check_range("strength", request.strength, 0, MAX_STRENGTH)
    _check_sampling(request.sampling)
    _check_name("model", request.model, capabilities.models, "unknown_model")
    method = with_guard(request.safety or capabilities.default_safety, request.token_guard)
    # Whether there is a guard is the generator's to say: it knows how to make one.
    weights, _ = split_guard(method)
    if request.safety is not None and weights:
        _check_name("safety method", weights, capabilities.safety, "unknown_method")
    if weights == OFF:
        return
    for concept in forgotten(request.concepts):
        _check_concept(concept, weights if request.safety and weights else None, capabilities)


def _check_sampling(options: SamplingOptions) -> None:
    _check_range("steps", options.steps, 1, MAX_STEPS)
    _check_range("guidance", options.guidance, 0, MAX_GUIDANCE)
    _check_range("temperature", options.temperature, 0.01, MAX_TEMPERATURE)
    _check_range("dropped share", options.dropped_share, 0, MAX_DROPPED_SHARE)
    _check_range("residual guidance", options.residual_guidance, 0, MAX_GUIDANCE)


def _check_concept(concept: str, method: str | None, capabilities: Capabilities) -> None:
    typed, names = capabilities.typed_concepts, [choice.name for choice in capabilities.concepts]
    if concept in names:
        return
    check_typed(concept)
    if concept_name("_".join(keywords_of(concept))) in names:
        return  # typed as keywords, of which there are edits by that name
    # A word that nearly names a listed concept is a slip; forgetting the slip would be no help.
    is_own = "," in concept or is_file(concept)
    is_own = is_own or not difflib.get_close_matches(concept.lower(), names, n=1)
    if not typed or not is_own:
        _check_name("concept", concept, capabilities.concepts, "unknown_concept")
        return
    if method is not None and method not in typed:
        raise PlacidError(
            "unknown_method",
            f"{method} cannot forget {concept!r} on request; choose {' or '.join(typed)}, or a "
            "listed concept",
        )


def _check_segments(request: Timeline, capabilities: Capabilities) -> None:
    count = len(request.segments)
    if not 1 <= count <= MAX_SEGMENTS:
        raise PlacidError(
            "bad_request",
            f"the timeline has {count} prompts; give it 1 to {MAX_SEGMENTS}, each with its seconds",
        )
    for number, segment in enumerate(request.segments, start=1):
        _check_prompt(segment.prompt)
        shortest, longest = capabilities.min_seconds, capabilities.max_seconds
        _check_range(f"seconds of prompt {number}", segment.seconds, shortest, longest)
        _check_range(f"seam of prompt {number}", segment.seam, 0, MAX_SEAM_SECONDS)
    total = sum(segment.seconds for segment in request.segments)
    if total > capabilities.max_timeline_seconds:
        raise PlacidError(
            "bad_request",
            f"the timeline takes {total:g} seconds; shorten it to at most "
            f"{capabilities.max_timeline_seconds:g}",
        )


def _check_frames(frames: Sequence[tuple[int, int]]) -> None:
    if not 1 <= len(frames) <= MAX_RANGES:
        raise PlacidError(
            "bad_request",
            f"{len(frames)} frame ranges are named; name 1 to {MAX_RANGES}, as in 40:80",
        )
    for start, end in frames:
        if not 0 <= start < end:
            raise PlacidError(
                "bad_request",
                f"the frame range {start}:{end} is empty or begins before frame 0; its end must "
                "lie behind its start, as in 40:80",
            )
    for (_, end), (start, _) in pairwise(frames):
        if start < end:
            raise PlacidError(
                "bad_request",
                f"a frame range begins at {start}, before the range ahead of it ends ({end}); "
                "name the ranges in order, without overlap",
            )


def _check_about(
    request: EditMotion | RepairMotion | AuditMotion,
    capabilities: Capabilities,
    motion: Motion | None,
) -> None:
    """A request about a motion that is there already."""
    if motion is None:
        verb = "edit" if isinstance(request, EditMotion) else "look at"
        raise PlacidError("bad_request", f"there is no motion to {verb}; send one along")
    # All but edits read a motion in windows, however long it is.
    _check_clip(motion, capabilities.max_clip_frames if isinstance(request, EditMotion) else None)
    if isinstance(request, AuditMotion):
        return
    if isinstance(request, EditMotion) or request.prompt:
        _check_prompt(request.prompt)
    if isinstance(request, EditMotion) or request.frames:
        _check_frames(request.frames)
        _check_within(request.frames, motion)
    if isinstance(request, RepairMotion) and request.safety == OFF:
        raise PlacidError(
            "bad_request",
            "a repair with safety off could put in new strikes; choose a method, or leave it out",
        )


def _check_clip(motion: Motion, most: int | None = None) -> None:
    length = len(motion)
    if length < MIN_CLIP_FRAMES or (most is not None and length > most):
        upper = "or more" if most is None else f"to {most}"
        raise PlacidError(
            "bad_request",
            f"the motion has {length} frames; give one of {MIN_CLIP_FRAMES} {upper} frames",
        )
    _check_range("the motion's number of frames a second", motion.fps, 1, MAX_FPS)


def _check_within(frames: Sequence[tuple[int, int]], motion: Motion) -> None:
    length = len(motion)
    last = frames[-1][1]
    if last > length:
        raise PlacidError(
            "bad_request",
            f"the frame range {frames[-1][0]}:{last} reaches beyond the motion, which has "
            f"{length} frames; end it at {length} or before",
        )


def _check_loop(loop: str, capabilities: Capabilities) -> None:
    if loop not in capabilities.loops:
        raise PlacidError(
            "bad_request",
            f"there is no loop {loop!r}; choose one of: {', '.join(capabilities.loops)}",
        )


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
    if not all(map(_is_character, prompt)):
        # A terminal or a file in another encoding leaves halves of characters.
        raise PlacidError(
            "bad_request",
            f"the prompt '{printable(prompt[:60])}' has bytes that are no characters, or control "
            "characters; write it in UTF-8",
        )


def _is_character(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") or character in "\t\n"


def _check_range(name: str, value: float | None, lowest: float, highest: float) -> None:
    if value is None:
        return
    # Written so that a value that is not a number fails as well; whole ones may be of any size.
    if not lowest <= value <= highest:
        # A whole number may be too large for any format.
        is_huge = isinstance(value, int) and abs(value) > 10**300
        shown = "far too large" if is_huge else f"{value:g}"
        raise PlacidError(
            "bad_request", f"{name} is {shown}; choose a value from {lowest:g} to {highest:g}"
        )


def _check_name(kind: str, name: str, choices: Sequence[Choice], code: str) -> None:
    names = [choice.name for choice in choices]
    if name in names:
        return
    close = difflib.get_close_matches(name[:60].lower(), names, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(names)}"
    raise PlacidError(code, f"there is no {kind} {name[:60]!r}; {remedy}")
