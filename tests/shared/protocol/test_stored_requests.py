"""Requests as .blend files keep them, from today and from before version 4 of the protocol."""

import msgspec
import pytest

from shared.decoding.errors import UNDECODABLE
from shared.protocol.messages import EditMotion, Generate, SamplingOptions, Segment, Timeline
from shared.protocol.stored_requests import decode_request, encode_request

SAMPLING = SamplingOptions(6, 2.5, 0.7, 0.4, 3.0)


@pytest.mark.parametrize(
    "request_",
    [
        Generate("a person waves"),
        Generate("a person waves", 2.0, takes=3, sampling=SAMPLING),
        EditMotion("a person waves", ((3, 9),), sampling=SamplingOptions(guidance=2.0)),
        Timeline((Segment("a", 1.0), Segment("b", 2.0)), sampling=SAMPLING),
    ],
)
def test_a_request_comes_back_as_it_was_kept(request_) -> None:
    assert decode_request(encode_request(request_)) == request_


def test_a_request_of_an_older_file_keeps_its_settings() -> None:
    """There all settings were the request's own, and the share was called top_k."""
    old = {"kind": "generate", "prompt": "a person waves", "seed": 4, "top_k": 0.4, "steps": 6}
    old |= {"guidance": 2.5, "temperature": 0.7, "residual_guidance": 3.0}
    found = decode_request(msgspec.json.encode(old).decode())
    assert found == Generate("a person waves", seed=4, sampling=SAMPLING)
    nothing = dict.fromkeys(("top_k", "steps", "guidance", "temperature", "residual_guidance"))
    found = decode_request(msgspec.json.encode(old | nothing).decode())
    assert found == Generate("a person waves", seed=4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "generate", "prompt": "a", "top_k": "most"}',
        '{"kind": "generate", "prompt": "a", "top_k": 0.5, "sampling": {}}',
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(UNDECODABLE):
        decode_request(text)
