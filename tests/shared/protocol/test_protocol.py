"""Requests held against capabilities."""

from typing import Any

import msgspec
import numpy as np
import pytest

from shared.errors import PlacidError
from shared.motion.motion import Motion
from shared.protocol.messages import (
    Capabilities,
    Choice,
    EditMotion,
    Generate,
    SamplingOptions,
    Segment,
    Timeline,
    validate,
)

CAPABILITIES = Capabilities(
    version="0",
    models=(Choice("momask", ""), Choice("bamm", "")),
    safety=(Choice("lcr", ""), Choice("rece", ""), Choice("off", "")),
    concepts=(Choice("violence", ""), Choice("kick", "")),
    default_safety="lcr",
)


def request(**fields: Any) -> Generate:
    return Generate(**{"prompt": "a person waves", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"seconds": 1.0},
        {"seconds": 9.8, "takes": 64, "seed": 2**31 - 1, "model": "bamm"},
        {"prompt": "x" * 500},
        {"safety": "off", "concepts": ()},
        {"safety": "rece", "concepts": ("kick", "violence"), "strength": 0.5},
        {"sampling": SamplingOptions(1, 0.0, 0.5, 0.0, 6.0)},
        {"loop": "travelling"},
    ],
)
def test_requests_within_the_limits_pass(fields: dict[str, Any]) -> None:
    validate(request(**fields), CAPABILITIES)


@pytest.mark.parametrize(
    ("fields", "code", "names"),
    [
        ({"prompt": ""}, "bad_request", "the prompt is empty"),
        ({"prompt": "\n\t "}, "bad_request", "the prompt is empty"),
        ({"prompt": "x" * 501}, "bad_request", "501 characters"),
        ({"seconds": 0.9}, "bad_request", "seconds is 0.9; choose a value from 1 to 9.8"),
        ({"seconds": 9.9}, "bad_request", "seconds is 9.9"),
        ({"seconds": float("nan")}, "bad_request", "seconds is nan"),
        ({"seconds": float("inf")}, "bad_request", "seconds is inf"),
        ({"seed": 10**400}, "bad_request", "seed is far too large"),
        ({"seed": 10**5000}, "bad_request", "seed is far too large"),
        ({"takes": -(10**400)}, "bad_request", "takes is far too large"),
        ({"strength": 10**400}, "bad_request", "strength is far too large"),
        ({"prompt": "a\udcff"}, "bad_request", "bytes that are no characters"),
        ({"prompt": "a\0b"}, "bad_request", "control characters"),
        ({"prompt": "a\x1b[31m"}, "bad_request", "control characters"),
        ({"concepts": ("kick",) * 100_000}, "bad_concept", "100000 concepts"),
        ({"concepts": ("k" * 100_000,)}, "bad_concept", "shorten it"),
        ({"model": "m" * 100_000}, "unknown_model", "there is no model"),
        ({"takes": 0}, "bad_request", "takes is 0"),
        ({"takes": 65}, "bad_request", "takes is 65; choose a value from 1 to 64"),
        ({"seed": -1}, "bad_request", "seed is -1"),
        ({"strength": 2.5}, "bad_request", "strength is 2.5"),
        ({"sampling": SamplingOptions(steps=0)}, "bad_request", "steps is 0"),
        ({"sampling": SamplingOptions(guidance=-1.0)}, "bad_request", "guidance is -1"),
        ({"sampling": SamplingOptions(temperature=0.0)}, "bad_request", "temperature is 0"),
        (
            {"sampling": SamplingOptions(dropped_share=1.0)},
            "bad_request",
            "dropped share is 1; choose a value from 0 to 0.99",
        ),
        (
            {"sampling": SamplingOptions(residual_guidance=21.0)},
            "bad_request",
            "residual guidance is 21",
        ),
        ({"prompt": "x" * 10_000}, "bad_request", "10000 characters"),
        ({"seconds": 0.0}, "bad_request", "seconds is 0"),
        ({"loop": "round"}, "bad_request", "choose one of: off, in_place, travelling"),
        ({"model": "momsk"}, "unknown_model", "did you mean 'momask'?"),
        ({"safety": "LCR"}, "unknown_method", "did you mean 'lcr'?"),
        ({"safety": "zzz"}, "unknown_method", "choose one of: lcr, rece, off"),
        ({"concepts": ("violense",)}, "unknown_concept", "did you mean 'violence'?"),
        ({"concepts": ()}, "bad_concept", "no concept"),
    ],
)
def test_requests_beyond_them_get_one_sentence(
    fields: dict[str, Any], code: str, names: str
) -> None:
    with pytest.raises(PlacidError) as error:
        validate(request(**fields), CAPABILITIES)
    assert error.value.code == code
    assert names in error.value.message
    assert "\n" not in error.value.message


def test_limits_are_the_backends_own() -> None:
    long = msgspec.structs.replace(CAPABILITIES, max_seconds=20.0)
    validate(request(seconds=15.0), long)


def clip(frames: int, fps: float = 20.0) -> Motion:
    return Motion(np.zeros((frames, 22, 3), np.float32), fps=fps)


def test_an_edit_of_frames_inside_the_motion_passes() -> None:
    validate(EditMotion("wave", ((0, 40), (40, 60), (80, 100))), CAPABILITIES, clip(100))


@pytest.mark.parametrize(
    ("frames", "motion", "names"),
    [
        (((40, 101),), clip(100), "40:101 reaches beyond the motion, which has 100 frames"),
        (((-1, 10),), clip(100), "-1:10"),
        (((10, 10),), clip(100), "10:10 is empty"),
        (((20, 40), (30, 50)), clip(100), "begins at 30, before the range ahead of it ends (40)"),
        ((), clip(100), "0 frame ranges"),
        (((0, 4),), clip(7), "the motion has 7 frames"),
        (((0, 4),), clip(2401), "2401 frames"),
        (((0, 4),), clip(50, fps=1000.0), "frames a second is 1000"),
        (((0, 4),), None, "no motion to edit"),
    ],
)
def test_edits_that_cannot_be_get_one_sentence(
    frames: tuple[tuple[int, int], ...], motion: Motion | None, names: str
) -> None:
    with pytest.raises(PlacidError) as error:
        validate(EditMotion("wave", frames), CAPABILITIES, motion)
    assert error.value.code == "bad_request"
    assert names in error.value.message


@pytest.mark.parametrize(
    ("segments", "names"),
    [
        ((), "the timeline has 0 prompts"),
        ((Segment("walk", 2.0), Segment(" ", 2.0)), "the prompt is empty"),
        ((Segment("walk", 2.0), Segment("wave", 0.0)), "seconds of prompt 2 is 0"),
        ((Segment("walk", 9.0),) * 7, "the timeline takes 63 seconds"),
    ],
)
def test_timelines_that_cannot_be_get_one_sentence(
    segments: tuple[Segment, ...], names: str
) -> None:
    with pytest.raises(PlacidError) as error:
        validate(Timeline(segments), CAPABILITIES)
    assert error.value.code == "bad_request"
    assert names in error.value.message


def test_a_backend_that_cannot_edit_says_so() -> None:
    simple = msgspec.structs.replace(CAPABILITIES, requests=("generate",))
    validate(request(), simple)
    with pytest.raises(PlacidError, match="cannot do 'timeline'"):
        validate(Timeline((Segment("walk", 2.0),)), simple)
