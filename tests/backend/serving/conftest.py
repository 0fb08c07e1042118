"""One running backend for a module's tests, and clients for it."""

import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import zmq

from shared.protocol.framing import unpack
from shared.protocol.messages import Ping
from shared.protocol.sockets import Sockets

# Far more than is needed: a busy machine must not fail a test.
PATIENCE = 60.0


@pytest.fixture(scope="module")
def backend(
    launch_walking: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    process = launch_walking(tmp_path_factory.mktemp("backend") / "backend.log")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def connection(backend: Any) -> Any:
    return wait_for_connection(backend)


@pytest.fixture
def connect(addon_package: ModuleType) -> Iterator[Callable[[Any], Any]]:
    """Makes clients that are hung up after the test."""
    clients = []

    def make(connection: Any) -> Any:
        clients.append(addon_package.link.client.Client(connection))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[[Any], Any], connection: Any) -> Any:
    return connect(connection)


@pytest.fixture
def raw(connection: Any) -> Iterator[Callable[..., Any]]:
    """Bare DEALER sockets: with the launch's client key, with another, or without any."""
    sockets = Sockets()

    def make(key: str = "ours") -> Any:
        dealer = sockets.open(zmq.DEALER)
        # A peer that hangs up must fail a test, not hold it up.
        dealer.sndtimeo = dealer.rcvtimeo = 10_000
        dealer.reconnect_ivl = -1
        if key != "none":
            pair = zmq.curve_keypair()
            if key == "ours":
                keys = connection.client_keys
                pair = (keys.public.encode(), keys.secret.encode())
            dealer.curve_publickey, dealer.curve_secretkey = pair
            dealer.curve_serverkey = connection.announcement.server_public_key.encode()
        dealer.connect(f"tcp://127.0.0.1:{connection.announcement.port}")
        return dealer

    yield make
    sockets.close()


@pytest.fixture(scope="session")
def receive() -> Callable[[Any], Any]:
    """Takes a bare socket's next message that is not the server's heartbeat."""

    def next_message(dealer: Any) -> Any:
        while True:
            message, _ = unpack(dealer.recv_multipart())
            if not isinstance(message, Ping):
                return message

    return next_message


@pytest.fixture(scope="session")
def until() -> Callable[..., list[Any]]:
    """Collects a client's events up to the first of a kind, such as `Done` or `Error`."""

    def collect(client: Any, kind: str) -> list[Any]:
        events: list[Any] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for event in client.poll(0.1):
                events.append(event)
                if type(event).__name__ == kind:
                    return events
        raise AssertionError(f"no {kind} came, only {events}")

    return collect


def wait_for_connection(process: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := process.connection():
            return found
        time.sleep(0.02)
    raise AssertionError("the backend did not announce itself")
