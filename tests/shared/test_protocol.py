"""Requests held against capabilities."""

from typing import Any

import msgspec
import pytest

from shared.errors import PlacidError
from shared.protocol import Capabilities, Choice, Generate, validate

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
        {"steps": 1, "guidance": 0.0, "temperature": 0.5},
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
        ({"takes": 0}, "bad_request", "takes is 0"),
        ({"takes": 65}, "bad_request", "takes is 65; choose a value from 1 to 64"),
        ({"seed": -1}, "bad_request", "seed is -1"),
        ({"strength": 2.5}, "bad_request", "strength is 2.5"),
        ({"steps": 0}, "bad_request", "steps is 0"),
        ({"guidance": -1.0}, "bad_request", "guidance is -1"),
        ({"temperature": 0.0}, "bad_request", "temperature is 0"),
        ({"model": "momsk"}, "unknown_model", "did you mean 'momask'?"),
        ({"safety": "LCR"}, "unknown_method", "did you mean 'lcr'?"),
        ({"safety": "zzz"}, "unknown_method", "choose one of: lcr, rece, off"),
        ({"concepts": ("violense",)}, "unknown_concept", "did you mean 'violence'?"),
        ({"concepts": ()}, "bad_request", "no concept"),
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
