"""Sockets let go of a connection whatever its other end did, and whenever."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
import zmq

from shared.protocol.sockets import Sockets

# Far more than is needed: a busy machine must not fail a test.
PATIENCE = 60.0
GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01CURVE" + b"\0" * 15 + b"\0" + b"\0" * 31


def _close(peer: socket.socket) -> None:
    """Hang up at once."""


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _close_in_the_greeting(peer: socket.socket) -> None:
    peer.recv(10)
    peer.sendall(GREETING[:11])


def _close_behind_the_greeting(peer: socket.socket) -> None:
    peer.recv(10)
    peer.sendall(GREETING)
    peer.recv(64)


def _speak_something_else(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _flood(peer: socket.socket) -> None:
    peer.sendall(b"\xff" * 100_000)


ENDS = (
    _close,
    _reset,
    _close_in_the_greeting,
    _close_behind_the_greeting,
    _speak_something_else,
    _flood,
)


@pytest.fixture
def peer() -> Iterator[Callable[[Callable[[socket.socket], None]], tuple[int, threading.Event]]]:
    """Listens, does one thing with the one connection, and closes it; tells its port."""
    listeners = []

    def listen(act: Callable[[socket.socket], None]) -> tuple[int, threading.Event]:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(PATIENCE)
        listeners.append(listener)
        over = threading.Event()

        def serve() -> None:
            try:
                accepted, _ = listener.accept()
                accepted.settimeout(PATIENCE)
                with accepted:
                    act(accepted)
            except OSError:
                pass
            finally:
                over.set()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1], over

    yield listen
    for listener in listeners:
        listener.close()


def _connect(sockets: Sockets, port: int) -> zmq.Socket[bytes]:
    """As the add-on's client connects: it never comes back to a connection that broke."""
    dealer = sockets.open(zmq.DEALER)
    dealer.sndtimeo = dealer.rcvtimeo = round(PATIENCE * 1000)
    dealer.reconnect_ivl = -1
    dealer.curve_serverkey, _ = zmq.curve_keypair()
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
    dealer.connect(f"tcp://127.0.0.1:{port}")
    return dealer


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody reads is given up soon, so that the tests are soon over."""
    monkeypatch.setattr("shared.protocol.sockets.LINGER", 50)


@pytest.mark.parametrize("act", ENDS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("unsent", [0, 1, 50])
def test_a_connection_that_broke_before_anything_was_sent_can_be_closed(
    peer: Callable, act: Callable[[socket.socket], None], unsent: int
) -> None:
    port, over = peer(act)
    sockets = Sockets()
    dealer = _connect(sockets, port)
    monitor = sockets.monitor(dealer, zmq.EVENT_ALL)
    for _ in range(unsent):
        dealer.send(b"x" * 10_000)
    assert over.wait(PATIENCE)
    while monitor.poll(300):
        monitor.recv_multipart(zmq.NOBLOCK)
    assert sockets.close(PATIENCE), "the context has ended"


def test_a_peer_that_reads_nothing_holds_nobody_up(peer: Callable) -> None:
    release = threading.Event()
    port, _ = peer(lambda _: release.wait(PATIENCE) and None)
    sockets = Sockets()
    dealer = _connect(sockets, port)
    dealer.sndhwm = 0
    for _ in range(20):
        dealer.send(b"x" * 1_000_000, zmq.NOBLOCK)
    # Returns before the peer lets go, and before the last messages are given up.
    sockets.close()
    assert dealer.closed
    release.set()


def test_a_port_that_nobody_listens_on_can_be_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sockets = Sockets()
    _connect(sockets, port).send(b"x")
    assert sockets.close(PATIENCE)


def test_closing_twice_is_closing_once() -> None:
    sockets = Sockets()
    sockets.open(zmq.DEALER)
    assert sockets.close(PATIENCE)
    assert sockets.close(PATIENCE)
