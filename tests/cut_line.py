"""A line between a client and a backend that a test can cut, at any moment and in any way."""

import contextlib
import select
import socket
import struct
import threading
import time
from typing import Final, Literal

Cut = Literal["close", "reset", "silence"]

CUTS: Final[tuple[Cut, ...]] = ("close", "reset", "silence")
_SECONDS: Final = 0.05
_SEND_SECONDS: Final = 10.0


class CutLine:
    """Forwards one connection between a port of its own and another one, until it is cut.

    Attributes:
        port: where the client connects.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._how: Cut | None = None
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, how: Cut) -> None:
        """Close the connection in order, reset it, or let nothing pass any more.

        A client that has not connected yet finds the line cut when it does.
        """
        with self._lock:
            self._how = how
            if how != "silence":
                self._hang_up(how)

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._closed = True
            self._hang_up("close")
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with self._lock:
                self._ends.append(client)
                if self._how in ("close", "reset"):
                    self._hang_up(self._how)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._target), 5.0)
                except OSError:
                    self._hang_up("close")
                    continue
                self._ends.append(server)
            for source, sink in ((client, server), (server, client)):
                source.settimeout(_SEND_SECONDS)
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while not self._closed:
                if self._how == "silence":
                    time.sleep(_SECONDS)
                    continue
                if not select.select([source], [], [], _SECONDS)[0]:
                    continue
                if not (data := source.recv(65536)):
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.close()

    def _hang_up(self, how: Cut) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                if how == "reset":
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._ends.clear()
