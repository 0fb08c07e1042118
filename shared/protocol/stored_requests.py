"""Requests as files keep them, those of before version 4 of the protocol included."""

from typing import Any, Final

import msgspec

from ..decoding.text import decode_json
from .requests import Request

# Until version 3 these were fields of the request itself, one of them under a name that means a
# count elsewhere.
_ONCE_LOOSE: Final = {
    "steps": "steps",
    "guidance": "guidance",
    "temperature": "temperature",
    "top_k": "dropped_share",
    "residual_guidance": "residual_guidance",
}


def encode_request(request: Request) -> str:
    """JSON that `decode_request` reads."""
    return msgspec.json.encode(request).decode()


def decode_request(text: str) -> Request:
    """The request that a file keeps.

    Raises:
        DecodeError and the errors of `UNDECODABLE`.
    """
    stored = decode_json(text.encode(), dict[str, Any])
    if "sampling" not in stored:
        loose = _ONCE_LOOSE.keys() & stored.keys()
        stored["sampling"] = {_ONCE_LOOSE[name]: stored.pop(name) for name in loose}
    return msgspec.convert(stored, Request)
