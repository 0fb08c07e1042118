"""Messages on the wire."""

import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from shared.errors import PlacidError
from shared.motion.audit import Audit, FoundStrike
from shared.motion.motion import Motion
from shared.protocol.framing import motion_of, pack, pack_result, pack_submit, unpack
from shared.protocol.messages import PROTOCOL_VERSION as VERSION
from shared.protocol.messages import (
    Cancel,
    Capabilities,
    Choice,
    Done,
    EditMotion,
    Error,
    Generate,
    Hello,
    Message,
    Ping,
    Pong,
    Progress,
    Result,
    SamplingOptions,
    Segment,
    Shutdown,
    Submit,
    Timeline,
    Unload,
    Welcome,
)

CAPABILITIES = Capabilities("0.1", (Choice("m", "d"),), (Choice("off", "d"),), (), "off")
MESSAGES = [
    Hello("test"),
    Welcome("0.1", "ready", CAPABILITIES),
    Welcome("0.1", "failed", problem=Error("bad_checkpoint", "it is damaged")),
    Submit(
        1,
        Generate(
            "hüpfen", seconds=2, concepts=("kick", "punch"), sampling=SamplingOptions(guidance=4.5)
        ),
    ),
    Submit(
        1,
        EditMotion(
            "wave", ((0, 8), (20, 40)), takes=2, sampling=SamplingOptions(dropped_share=0.5)
        ),
    ),
    Submit(1, Timeline((Segment("walk", 2), Segment("wave", 3)), loop="in_place")),
    Unload(2),
    Cancel(3),
    Progress(1, 0.5, "sampling", 0, 2, 1.5),
    Done(1),
    Error("internal", "broken", 1, {"log": "path"}),
    Ping(),
    Pong(),
    Shutdown(),
]


def motion(contacts: bool = True) -> Motion:
    joints = np.random.default_rng(0).normal(size=(30, 22, 3)).astype(np.float32)
    flags = joints[:, :4, 0] > 0 if contacts else None
    return Motion(joints, "Y", 20.0, flags, "walk", 3, {"edit": {"method": "lcr"}, "steps": 10})


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_survive_the_wire(message: Message) -> None:
    assert unpack(pack(message)) == (message, {})


@pytest.mark.parametrize("contacts", [True, False])
def test_a_motion_survives_bit_for_bit(contacts: bool) -> None:
    sent = motion(contacts)
    message, arrays = unpack(pack_result(4, 1, 2, sent))
    assert isinstance(message, Result)
    assert (message.job, message.take, message.takes) == (4, 1, 2)
    came = motion_of(message.clip, arrays)
    np.testing.assert_array_equal(came.joints, sent.joints)
    if contacts:
        np.testing.assert_array_equal(came.contacts, sent.contacts)
    else:
        assert came.contacts is None
    assert (came.up, came.fps, came.prompt, came.seed) == ("Y", 20.0, "walk", 3)
    assert came.provenance == sent.provenance


def test_a_strike_travels_with_its_take() -> None:
    kick = FoundStrike("kick", "left", 3, 9, 6)
    audit = Audit((kick, FoundStrike("swing", None, 20, 30, 24, "possible")), "v1")
    message, arrays = unpack(pack_result(1, 0, 1, replace(motion(), audit=audit)))
    assert isinstance(message, Result)
    assert motion_of(message.clip, arrays).audit == audit


def test_an_edit_travels_with_its_motion() -> None:
    sent, request = motion(), EditMotion("wave", ((0, 8),))
    message, arrays = unpack(pack_submit(3, request, sent))
    assert isinstance(message, Submit)
    assert (message.job, message.request) == (3, request)
    assert message.clip is not None
    came = motion_of(message.clip, arrays)
    np.testing.assert_array_equal(came.joints, sent.joints)
    assert (came.fps, came.provenance) == (sent.fps, sent.provenance)


def test_big_endian_and_strided_arrays_arrive_as_their_values() -> None:
    array = np.arange(24, dtype=">f8").reshape(4, 6)[:, ::2]
    _, arrays = unpack(pack(Ping(), {"a": array}))
    np.testing.assert_array_equal(arrays["a"], array)
    assert arrays["a"].dtype == np.dtype("<f4")


PING = {"type": "ping"}


def envelope(*content: object) -> list[bytes]:
    return [msgspec.msgpack.encode(content)]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([], "bad_message"),
        ([b""], "bad_message"),
        ([b"GET / HTTP/1.1"], "bad_message"),
        (envelope(), "bad_message"),
        (envelope("one"), "bad_message"),
        (envelope(1, {"type": "ping"}, []), "version_mismatch"),
        (envelope(2**40), "version_mismatch"),
        (envelope(VERSION), "bad_message"),
        (envelope(VERSION, {"type": "juggle"}, []), "unknown_message"),
        (envelope(VERSION, {"type": "generate", "prompt": "x"}, []), "unknown_message"),
        (envelope(VERSION, {"job": 1}, []), "bad_message"),
        (envelope(VERSION, {"type": "cancel"}, []), "bad_message"),
        (envelope(VERSION, {"type": "cancel", "job": 1, "force": True}, []), "bad_message"),
        (envelope(VERSION, PING, [["a", "<f4", [2]]]), "bad_message"),
        ([*envelope(VERSION, PING, [["a", "<f4", [2]]]), b"short"], "bad_message"),
        (
            [*envelope(VERSION, PING, [["a", "<f4", [2]]]), b"12345678", b""],
            "bad_message",
        ),
        (
            [*envelope(VERSION, PING, [["a", "<f4", [2**64 - 1]]]), b"1234"],
            "bad_message",
        ),
        ([b"\x93\x02" + b"\x91" * 60_000], "bad_message"),
        ([b"\x91" * 60_000], "bad_message"),
        ([*envelope(VERSION, PING, [["a", "|O", [1]]]), b"12345678"], "bad_message"),
    ],
)
def test_anything_else_is_a_typed_error(frames: list[bytes], code: str) -> None:
    with pytest.raises(PlacidError) as error:
        unpack(frames)
    assert error.value.code == code


def test_random_damage_never_raises_anything_else() -> None:
    generator = random.Random(1)
    frames = pack_result(1, 0, 1, motion())
    for _ in range(2000):
        damaged = [bytearray(frame) for frame in frames]
        for _ in range(generator.randint(1, 4)):
            place = generator.randrange(len(damaged[0]))
            damaged[0][place] = generator.randrange(256)
        try:
            message, arrays = unpack([bytes(frame) for frame in damaged])
            if isinstance(message, Result):
                motion_of(message.clip, arrays)
        except PlacidError:
            continue


def test_a_result_that_is_no_motion_is_refused() -> None:
    message, arrays = unpack(pack_result(1, 0, 1, motion()))
    assert isinstance(message, Result)
    with pytest.raises(PlacidError, match="without joints"):
        motion_of(message.clip, {})
    broken = arrays["joints"].copy()
    broken[3, 5, 1] = np.nan
    with pytest.raises(PlacidError, match="frame 3"):
        motion_of(message.clip, {"joints": broken})
