"""Who may speak to the backend: CURVE keys made for one launch, and an authenticator for them.

ZeroMQ's CURVE mechanism encrypts and proves the keys; which client key is welcome is decided by
whoever answers on the ZAP address (https://rfc.zeromq.org/spec/27/). pyzmq's own authenticator
needs an asyncio thread, which on Windows needs tornado as well; one REP socket in the server's
poll loop does.
"""

import logging
from typing import Final

import zmq
from zmq.utils import z85

from shared.protocol.handshake import KeyPair
from shared.protocol.sockets import Socket, Sockets

ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"
_ZAP_DOMAIN: Final = b"placid"

log = logging.getLogger(__name__)


def make_keys() -> KeyPair:
    """A fresh CURVE key pair."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def lock(router: Socket, keys: KeyPair) -> None:
    """Make a server socket accept CURVE alone, and nobody while no authenticator answers."""
    router.curve_server = True
    router.curve_secretkey = keys.secret.encode()
    router.zap_domain = _ZAP_DOMAIN
    router.zap_enforce_domain = True


class ZapAuthenticator:
    """Answers ZeroMQ's question whether a client key is welcome. Exactly one is."""

    def __init__(self, sockets: Sockets, client_public_key: str) -> None:
        self._welcome = z85.decode(client_public_key)
        self.socket = sockets.open(zmq.REP)
        self.socket.bind(ZAP_ENDPOINT)

    def answer(self) -> None:
        """Handle one pending ZAP request."""
        version, request, _domain, address, _identity, mechanism, *credentials = (
            self.socket.recv_multipart()
        )
        admitted = mechanism == b"CURVE" and credentials == [self._welcome]
        if not admitted:
            log.warning("refused a stranger from %s", address.decode(errors="replace"))
        status = [b"200", b"OK"] if admitted else [b"400", b"unknown key"]
        self.socket.send_multipart([version, request, *status, b"", b""])
