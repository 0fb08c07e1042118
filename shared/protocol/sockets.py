"""ZeroMQ sockets whose end never keeps anybody waiting.

A context ends when every socket in it has let go of its unsent messages. How long a socket clings
to them is its linger, and ZeroMQ asks for it at the moment when a connection is given up: without
reconnection that is when it breaks, long before the socket is closed. A linger that is set only at
the close comes too late for that connection, whose messages then keep the context alive for ever
(libzmq 4.3.5: `session_base_t::reconnect`, `socket_base_t::term_endpoint`). So every socket gets
its linger before it is connected, and even so only a thread of its own waits for a context to end.
"""

import threading
from typing import Final

import zmq

Socket = zmq.Socket[bytes]

# How long the last messages of a closed socket may take to leave, in milliseconds. Nobody waits for
# it but a program that ends, and on a busy machine they need their time.
LINGER: Final = 2000


class Sockets:
    """A ZeroMQ context, the sockets in it, and the one way to close them.

    Attributes:
        context: for what ZeroMQ addresses by context (`inproc:`); sockets come from `open` alone.
    """

    def __init__(self) -> None:
        self.context: zmq.Context[Socket] = zmq.Context()
        self._open: list[Socket] = []

    def open(self, kind: int) -> Socket:
        """A new socket of a kind such as `zmq.DEALER`, with its linger already set."""
        socket: Socket = self.context.socket(kind)
        socket.linger = LINGER
        self._open.append(socket)
        return socket

    def monitor(self, socket: Socket, events: int) -> Socket:
        """A socket that tells what happens to the connections of another one."""
        monitor: Socket = socket.get_monitor_socket(events)
        monitor.linger = 0
        self._open.append(monitor)
        return monitor

    def close(self, patience: float = 0.0) -> bool:
        """Close all sockets; whatever the other side does, the caller goes on.

        Args:
            patience: seconds to wait at most, for the last messages to leave.

        Returns:
            Whether everything has left and the context has ended.
        """
        for socket in self._open:
            socket.close()
        self._open.clear()
        ending = threading.Thread(target=self.context.term, name="placid hang-up", daemon=True)
        ending.start()
        ending.join(patience)
        return not ending.is_alive()
