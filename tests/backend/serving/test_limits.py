"""What is too much or comes twice: answered with a sentence, never by hanging up."""

import contextlib
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from shared.errors import PlacidError
from shared.motion.motion import Motion
from shared.protocol.framing import MAX_REQUEST_BYTES, pack, pack_submit
from shared.protocol.messages import PROTOCOL_VERSION as VERSION
from shared.protocol.messages import (
    Cancel,
    Clip,
    Done,
    EditMotion,
    Error,
    Generate,
    Ping,
    Pong,
    Submit,
    Unload,
)

Raw = Callable[..., Any]
Receive = Callable[[Any], Any]

HALF = b"\0" * (MAX_REQUEST_BYTES // 2 + 1)


def _long_edit(job: int) -> list[bytes]:
    """A well-formed request with a motion of 10,000 frames, 2.6 MB."""
    edit = EditMotion("a person jumps", frames=((10, 40),))
    joints = np.zeros((10_000, 22, 3), np.float32)
    return pack(Submit(job, edit, Clip("Y", 20.0, "", None, {})), {"joints": joints})


@pytest.mark.parametrize(
    ("frames", "job"),
    [
        ([b"x" * (MAX_REQUEST_BYTES + 1)], None),
        ([*pack(Ping()), HALF, HALF], None),
        ([*pack_submit(7, Generate("walk")), HALF, HALF], 7),
        ([*pack(Unload(8)), *[b"\0" * 1000] * 1100], 8),
        (_long_edit(9), 9),
        ([b"x" * (60 * MAX_REQUEST_BYTES)], None),
    ],
    ids=["one frame", "two halves", "a request", "many frames", "a long motion", "60 MB"],
)
def test_a_message_that_is_too_large_is_answered_and_the_connection_lives(
    raw: Raw, receive: Receive, frames: list[bytes], job: int | None
) -> None:
    dealer = raw()
    dealer.send_multipart(frames)
    error = receive(dealer)
    assert (error.code, error.job) == ("too_large", job)
    assert "at most 1 MB" in error.message
    dealer.send_multipart(pack(Ping()))
    assert receive(dealer) == Pong()


def test_a_frame_beyond_all_measure_ends_that_connection_only(
    raw: Raw, client: Any, addon_package: ModuleType, until: Callable[..., list[Any]]
) -> None:
    dealer = raw()
    dealer.send(b"x" * (65 * MAX_REQUEST_BYTES))
    client.submit(1, addon_package.shared.protocol.messages.Generate("walk"))
    until(client, "Done")
    with contextlib.suppress(zmq.Again):
        dealer.send_multipart(pack(Ping()), zmq.NOBLOCK)
    assert dealer.poll(300) == 0


def test_a_client_refuses_what_is_too_large_before_it_sends_it() -> None:
    motion = Motion(np.zeros((10_000, 22, 3), np.float32))
    with pytest.raises(PlacidError, match="at most 2400 frames") as caught:
        pack_submit(1, EditMotion("a person jumps", frames=((10, 40),)), motion)
    assert caught.value.code == "too_large"


def test_the_number_of_an_unfinished_job_cannot_be_given_again(raw: Raw, receive: Receive) -> None:
    dealer = raw()
    dealer.send_multipart(pack_submit(1, Generate("slow walk")))
    dealer.send_multipart(pack_submit(2, Generate("walk")))
    for frames in (pack_submit(1, Generate("walk")), pack(Unload(2)), pack_submit(2, Generate(""))):
        dealer.send_multipart(frames)
    codes: Counter[tuple[str, int | None]] = Counter()
    dealer.send_multipart(pack(Cancel(1)))
    while not isinstance(message := receive(dealer), Done):
        if isinstance(message, Error):
            codes[message.code, message.job] += 1
    assert message.job == 2
    # The refusal carries no number: the job that has it goes on, and ends once.
    assert codes == {("duplicate_job", None): 3, ("cancelled", 1): 1}
    dealer.send_multipart(pack_submit(1, Generate("walk")))
    while not isinstance(message := receive(dealer), Done):
        assert not isinstance(message, Error), message
    assert message.job == 1


@pytest.mark.parametrize(
    "message",
    [
        {"type": "submit", "job": 5, "request": {"kind": "dance"}},
        {"type": "submit", "job": 5, "request": {"kind": "generate"}},
        {"type": "submit", "job": 5, "request": 5, "surprise": 1},
        {"type": "unload", "job": 5, "surprise": 1},
    ],
)
def test_a_request_that_cannot_be_read_ends_the_job_it_would_have_begun(
    raw: Raw, receive: Receive, message: dict[str, Any]
) -> None:
    dealer = raw()
    dealer.send(msgspec.msgpack.encode([VERSION, message, []]))
    error = receive(dealer)
    assert (error.code, error.job) == ("bad_message", 5)


def test_too_many_jobs_are_refused_one_by_one_and_the_others_are_made(
    raw: Raw, receive: Receive
) -> None:
    dealer = raw()
    dealer.send_multipart(pack_submit(0, Generate("slow walk")))
    for job in range(1, 1011):
        dealer.send_multipart(pack_submit(job, Generate("walk", seconds=1.0)))
    refused = set[int]()
    while len(refused) < 10:
        if isinstance(message := receive(dealer), Error):
            assert message.code == "busy"
            refused.add(message.job or 0)
    assert min(refused) > 900
    for job in range(1011):
        dealer.send_multipart(pack(Cancel(job)))
    ended = set(refused)
    while len(ended) < 1011:
        if isinstance(message := receive(dealer), Error | Done):
            ended.add(message.job or 0)
