"""The server over real sockets, in a real process."""

import contextlib
import socket
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq
from walking_backend import KICK, walk

from shared.motion.motion import Motion
from shared.protocol.framing import pack, pack_submit
from shared.protocol.messages import PROTOCOL_VERSION as VERSION
from shared.protocol.messages import (
    Cancel,
    Clip,
    Done,
    EditMotion,
    Error,
    Generate,
    Hello,
    Ping,
    Pong,
    Segment,
    Submit,
    Timeline,
)

Until = Callable[..., list[Any]]
Raw = Callable[..., Any]
Receive = Callable[[Any], Any]


def request_for(placid: ModuleType, prompt: str, **fields: Any) -> Any:
    return placid.shared.protocol.messages.Generate(prompt, **fields)


def test_takes_arrive_one_by_one_with_progress_and_are_the_generators(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    request = request_for(addon_package, "a person walks", seconds=2.0, takes=2, seed=7)
    client.submit(1, request)
    events = until(client, "Done")
    kinds = [type(event).__name__ for event in events if type(event).__name__ != "Welcome"]
    assert kinds[0] == "Progress"
    assert kinds[-1] == "Done"
    takes = [event for event in events if type(event).__name__ == "Take"]
    assert [(take.number, take.count) for take in takes] == [(0, 2), (1, 2)]
    expected = walk(Generate("a person walks", seconds=2.0), 8)
    np.testing.assert_array_equal(takes[1].motion.joints, expected.joints)
    np.testing.assert_array_equal(takes[1].motion.contacts, expected.contacts)
    assert takes[1].motion.seed == 8
    assert takes[1].motion.provenance == {"model": "momask"}
    assert client.jobs == set()


def test_takes_that_come_all_at_once_are_handed_on_a_few_at_a_time(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    client.submit(1, request_for(addon_package, "walk", seconds=1.0, takes=40))
    # Whoever polls was busy meanwhile; each take costs Blender time in one step.
    time.sleep(1.0)
    counts = []
    while client.jobs:
        events = client.poll(0.1)
        counts.append(sum(type(event).__name__ == "Take" for event in events))
    assert sum(counts) == 40
    assert max(counts) <= 4


def test_a_strike_is_reported_with_its_take(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    kinds = {}
    for job, prompt in ((1, "walk"), (2, "kick")):
        client.submit(job, request_for(addon_package, prompt))
        [take] = [e for e in until(client, "Done") if type(e).__name__ == "Take"]
        found = take.motion.audit.strikes
        kinds[prompt] = [(s.strike, s.side, s.start, s.end, s.peak) for s in found]
    found = (KICK.strike, KICK.side, KICK.start, KICK.end, KICK.peak)
    assert kinds == {"walk": [], "kick": [found]}


def test_the_time_left_is_told_and_shrinks(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    client.submit(1, request_for(addon_package, "slow walk"))
    events = [e for e in until(client, "Done") if type(e).__name__ == "Progress"]
    left = [event.seconds_left for event in events]
    assert left[0] is None
    told = [seconds for seconds in left if seconds is not None]
    assert 0.1 < told[-1] < told[0] < 10
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)


def test_an_edit_brings_its_motion_to_the_generator(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    protocol = addon_package.shared.protocol.messages
    motion = walk(Generate("walk"), 5)
    sent = addon_package.shared.motion.motion.Motion(motion.joints, contacts=motion.contacts)
    client.submit(1, protocol.EditMotion("wave", ((8, 20),), takes=2, seed=3), sent)
    takes = [event for event in until(client, "Done") if type(event).__name__ == "Take"]
    assert [take.motion.seed for take in takes] == [3, 4]
    np.testing.assert_array_equal(takes[0].motion.joints, motion.joints)
    np.testing.assert_array_equal(takes[0].motion.contacts, motion.contacts)


def test_an_edit_of_no_motion_is_refused_and_the_next_job_runs(raw: Raw, receive: Receive) -> None:
    dealer = raw()
    joints = walk(Generate("walk"), 5).joints.copy()
    joints[7, 3, 1] = np.nan
    clip = Clip("Y", 20.0, "", None, {})
    edit = EditMotion("wave", ((8, 20),))
    dealer.send_multipart(pack(Submit(1, edit, clip), {"joints": joints}))
    dealer.send_multipart(pack(Submit(2, edit, clip)))
    dealer.send_multipart(pack_submit(3, EditMotion("wave", ((50, 70),)), Motion(joints[8:])))
    dealer.send_multipart(pack(Submit(4, edit)))
    errors = {(error := receive(dealer)).job: error for _ in range(4)}
    assert errors[1].code == "bad_motion"
    assert "frame 7" in errors[1].message
    assert errors[2].code == "bad_message"
    assert "50:70 reaches beyond the motion" in errors[3].message
    assert "no motion" in errors[4].message
    dealer.send_multipart(pack(Submit(5, Timeline((Segment("walk", 2.0), Segment("", 2.0))))))
    assert "empty" in receive(dealer).message


def test_cancel_half_way_stops_the_job_and_not_the_next(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    client.submit(1, request_for(addon_package, "slow walk"))
    until(client, "Progress")
    client.cancel(1)
    *before, error = until(client, "Error")
    assert (error.code, error.job) == ("cancelled", 1)
    assert "Take" not in [type(event).__name__ for event in before]
    client.submit(2, request_for(addon_package, "walk"))
    assert until(client, "Done")[-1].job == 2


def test_a_waiting_job_is_cancelled_at_once(
    client: Any, addon_package: ModuleType, until: Until
) -> None:
    client.submit(1, request_for(addon_package, "slow walk"))
    client.submit(2, request_for(addon_package, "walk"))
    until(client, "Progress")
    client.cancel(2)
    assert until(client, "Error")[-1].job == 2
    client.cancel(1)
    assert until(client, "Error")[-1].job == 1


def test_two_clients_get_their_own_takes_under_the_same_number(
    connect: Callable[[Any], Any], connection: Any, addon_package: ModuleType, until: Until
) -> None:
    one, two = connect(connection), connect(connection)
    one.submit(1, request_for(addon_package, "the first"))
    two.submit(1, request_for(addon_package, "the second"))
    for client, prompt in ((two, "the second"), (one, "the first")):
        takes = [e for e in until(client, "Done") if type(e).__name__ == "Take"]
        assert [take.motion.prompt for take in takes] == [prompt]


def test_jobs_of_a_client_that_vanished_make_room(
    connect: Callable[[Any], Any],
    client: Any,
    connection: Any,
    addon_package: ModuleType,
    until: Until,
) -> None:
    gone = connect(connection)
    gone.submit(1, request_for(addon_package, "slow walk", takes=64))
    gone.submit(2, request_for(addon_package, "slow walk", takes=64))
    until(gone, "Progress")
    gone.close()
    client.submit(1, request_for(addon_package, "walk"))
    assert until(client, "Done")[-1].job == 1


@pytest.mark.parametrize(
    ("fields", "code", "names"),
    [
        ({"prompt": " "}, "bad_request", "empty"),
        ({"prompt": "x" * 501}, "bad_request", "501"),
        ({"seconds": 12.5}, "bad_request", "12.5"),
        ({"safety": "lrc"}, "unknown_method", "did you mean 'lcr'?"),
    ],
)
def test_the_server_itself_refuses_bad_requests(
    raw: Callable[..., Any],
    receive: Callable[[Any], Any],
    fields: dict[str, Any],
    code: str,
    names: str,
) -> None:
    dealer = raw()
    dealer.send_multipart(pack(Submit(1, Generate(**{"prompt": "walk", **fields}))))
    error = receive(dealer)
    assert (error.code, error.job) == (code, 1)
    assert names in error.message


@pytest.mark.parametrize("key", ["another", "none"])
def test_a_stranger_gets_nothing(raw: Callable[..., Any], client: Any, until: Until, key: str):
    dealer = raw(key)
    for message in (Hello("stranger"), Submit(1, Generate("walk"))):
        with contextlib.suppress(zmq.Again):  # once it is refused, nobody is there to send to
            dealer.send_multipart(pack(message), zmq.NOBLOCK)
    until(client, "Welcome")
    assert dealer.poll(500) == 0


def test_a_client_with_another_key_is_told_so(
    connect: Callable[[Any], Any], connection: Any, until: Until
) -> None:
    public, secret = (key.decode() for key in zmq.curve_keypair())
    forged = msgspec.structs.replace(
        connection, client_keys=type(connection.client_keys)(public, secret)
    )
    lost = until(connect(forged), "Lost")[-1]
    assert lost.error.code == "backend_refused"


def test_bytes_that_are_not_zeromq_harm_nobody(connection: Any, client: Any, until: Until) -> None:
    with socket.create_connection(("127.0.0.1", connection.announcement.port), 10.0) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        until(client, "Welcome")


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b""], "bad_message"),
        ([b"\xff\x00garbage"], "bad_message"),
        ([msgspec.msgpack.encode([99, {"a new": "format"}])], "version_mismatch"),
        ([msgspec.msgpack.encode([VERSION, {"type": "dance"}, []])], "unknown_message"),
        ([msgspec.msgpack.encode([VERSION, {"type": "submit", "job": "x"}, []])], "bad_message"),
        ([*pack(Ping()), b"an array that was not announced"], "bad_message"),
        (pack(Done(1)), "bad_message"),
    ],
)
def test_garbage_gets_a_typed_error_and_the_connection_lives(
    raw: Raw, receive: Receive, frames: list[bytes], code: str
) -> None:
    dealer = raw()
    dealer.send_multipart(frames)
    error = receive(dealer)
    assert isinstance(error, Error)
    assert error.code == code
    dealer.send_multipart(pack(Ping()))
    assert receive(dealer) == Pong()


def test_an_unknown_job_can_be_cancelled_without_harm(raw: Raw, receive: Receive) -> None:
    dealer = raw()
    dealer.send_multipart(pack(Cancel(12345)))
    dealer.send_multipart(pack(Ping()))
    assert receive(dealer) == Pong()


@pytest.mark.parametrize(
    ("prompt", "code"), [("a bug", "internal"), ("memory", "resource_exhausted")]
)
def test_a_failing_job_leaves_the_worker_running(
    client: Any, addon_package: ModuleType, until: Until, prompt: str, code: str
) -> None:
    client.submit(1, request_for(addon_package, prompt))
    client.submit(2, request_for(addon_package, "walk"))
    events = until(client, "Done")
    error = next(event for event in events if type(event).__name__ == "Error")
    assert (error.code, error.job) == (code, 1)
    assert "Traceback" not in error.message
    assert error.details["log"].endswith("backend.log")
    assert events[-1].job == 2


def test_unloading_is_a_job(client: Any, until: Until) -> None:
    client.unload(5)
    assert until(client, "Done")[-1].job == 5
