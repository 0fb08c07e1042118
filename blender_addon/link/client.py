"""The add-on's end of the line to the backend: never blocks, polled by a timer, no bpy.

A connection is never resumed: once the backend is lost the client stays lost, and a new one is
made for the next backend. So nobody waits for a job that an earlier backend took along.
"""

import contextlib
import logging
import time
from dataclasses import dataclass
from typing import Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from ..shared import VERSION
from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion
from ..shared.protocol.framing import motion_of, pack, pack_submit, unpack
from ..shared.protocol.handshake import Connection
from ..shared.protocol.messages import (
    Cancel,
    Capabilities,
    Done,
    Error,
    Hello,
    Message,
    Ping,
    Pong,
    Progress,
    Request,
    Result,
    Shutdown,
    Unload,
    Welcome,
)
from ..shared.protocol.sockets import Sockets

HEARTBEAT_SECONDS: Final = 1.0
LIVENESS: Final = 5
# While the backend loads, importing large libraries may keep it from answering for long.
LOADING_LIVENESS: Final = 60
# So many messages are read in one poll; the rest waits for the next, so a poll stays short.
_MESSAGES_PER_POLL: Final = 32
# Each take costs Blender milliseconds to keep.
_TAKES_PER_POLL: Final = 4

_BROKEN: Final = (
    zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CLOSED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Take:
    """One finished motion of a job; `number` counts from 0 to `count` - 1."""

    job: int
    number: int
    count: int
    motion: Motion


@dataclass(frozen=True)
class Lost:
    """The backend is gone, and every unfinished job with it."""

    error: PlacidError
    jobs: tuple[int, ...]


Event = Welcome | Progress | Take | Done | Error | Lost


class Client:
    """A connection to one backend; greets it at once.

    Attributes:
        capabilities: what the backend offers; None until it is ready.
        jobs: numbers of the unfinished jobs.

    Raises:
        PlacidError: `backend_refused` for a connection that cannot be one.
    """

    def __init__(self, connection: Connection) -> None:
        self.capabilities: Capabilities | None = None
        self.jobs: set[int] = set()
        self._liveness = LOADING_LIVENESS
        self._silent_beats = 0
        self._beat_at = time.monotonic()
        self._admitted = False
        self._lost: PlacidError | None = None
        self._closed = False
        self._sockets = Sockets()
        self._socket = self._sockets.open(zmq.DEALER)
        self._monitor = self._sockets.monitor(self._socket, zmq.EVENT_HANDSHAKE_SUCCEEDED | _BROKEN)
        try:
            self._connect(connection)
        except zmq.ZMQError as error:
            self._sockets.close()
            raise PlacidError(
                "backend_refused",
                f"the backend's address or key cannot be used ({error.strerror}); restart the "
                "backend, and set it up again in the preferences if that does not help",
            ) from error
        self._send(Hello(f"Placid {VERSION}"))

    def submit(self, job: int, request: Request, motion: Motion | None = None) -> None:
        """Ask for motion under a job number that is new to this client.

        Args:
            motion: what an EditMotion is about.

        Raises:
            PlacidError: when the backend is lost. What it cannot do it says itself; a session knows
                it beforehand.
        """
        self.begin(job, pack_submit(job, request, motion))

    def unload(self, job: int) -> None:
        """Ask the backend to drop the model; a job that ends in Done."""
        self.begin(job, pack(Unload(job)))

    def begin(self, job: int, frames: list[bytes]) -> None:
        """Send the message that begins a job. Raises PlacidError when the backend is lost."""
        if self._lost:
            raise self._lost
        self.jobs.add(job)
        self._send_frames(frames)

    def cancel(self, job: int) -> None:
        """Give a job up. It ends in an Error `cancelled`, or in Done when it was just complete."""
        self._send(Cancel(job))

    def shutdown(self) -> None:
        """End the backend, whoever else uses it."""
        self._send(Shutdown())

    def poll(self, timeout: float = 0.0) -> list[Event]:
        """What happened since the last call; waits for something at most `timeout` seconds."""
        if self._lost or self._closed:
            return []
        if timeout > 0:
            poller = zmq.Poller()
            poller.register(self._socket, zmq.POLLIN)
            poller.register(self._monitor, zmq.POLLIN)
            poller.poll(round(timeout * 1000))
        broken = self._read_monitor()
        # Read after the monitor: what came before the break is not lost with the connection.
        events = self._read_messages()
        if broken:
            return [*events, *self._read_messages(all_of_them=True), self._lose(broken)]
        silence = self._beat()
        if silence:
            events.append(self._lose(silence))
        return events

    def close(self) -> None:
        """Hang up, at once and whatever the other side does; the backend drops our jobs."""
        if not self._closed:
            self._closed = True
            self._sockets.close()

    def _connect(self, connection: Connection) -> None:
        self._socket.reconnect_ivl = -1
        # A long freeze of Blender must not hold up the backend, and no request gets lost on its
        # way to a backend that is slow to read.
        self._socket.rcvhwm = self._socket.sndhwm = 0
        keys = connection.client_keys
        self._socket.curve_serverkey = connection.announcement.server_public_key.encode()
        self._socket.curve_publickey = keys.public.encode()
        self._socket.curve_secretkey = keys.secret.encode()
        self._socket.connect(f"tcp://127.0.0.1:{connection.announcement.port}")

    def _send(self, message: Message) -> None:
        self._send_frames(pack(message))

    def _send_frames(self, frames: list[bytes]) -> None:
        # A broken pipe is found out by the monitor, a closed client wants nothing any more.
        with contextlib.suppress(zmq.ZMQError):
            self._socket.send_multipart(frames, zmq.NOBLOCK)

    def _read_messages(self, all_of_them: bool = False) -> list[Event]:
        events: list[Event] = []
        count = takes = 0
        while all_of_them or (count < _MESSAGES_PER_POLL and takes < _TAKES_PER_POLL):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            count += 1
            # One message that cannot be read takes neither the others nor the connection along.
            try:
                event = self._event(frames)
            except PlacidError as error:
                event = Error.of(error)
            except Exception as error:
                log.error("a message of the backend was not understood", exc_info=error)
                event = Error(
                    "bad_message",
                    f"a message of the backend was not understood ({type(error).__name__}); "
                    "generate again, and report it if it recurs",
                )
            if event:
                events.append(event)
                takes += isinstance(event, Take)
        if count:
            self._silent_beats = 0
        return events

    def _event(self, frames: list[bytes]) -> Event | None:
        message, arrays = unpack(frames)
        match message:
            case Ping():
                self._send(Pong())
            case Welcome():
                self.capabilities = message.capabilities
                self._liveness = LOADING_LIVENESS if message.state == "loading" else LIVENESS
                return message
            case Result():
                motion = motion_of(message.clip, arrays)
                return Take(message.job, message.take, message.takes, motion)
            case Done():
                self.jobs.discard(message.job)
                return message
            case Error():
                if message.job is not None:
                    self.jobs.discard(message.job)
                return message
            case Progress():
                return message
        return None

    def _read_monitor(self) -> PlacidError | None:
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._admitted = True
            elif self._admitted:
                return PlacidError(
                    "backend_lost", "the backend ended unexpectedly; generate again to restart it"
                )
            else:
                return PlacidError(
                    "backend_refused",
                    "what listens on the backend's port refused the connection; "
                    "restart the backend",
                )
        return None

    def _beat(self) -> PlacidError | None:
        now = time.monotonic()
        if now - self._beat_at < HEARTBEAT_SECONDS:
            return None
        # Beats are counted, not seconds: while Blender itself was frozen nothing was asked.
        self._beat_at = now
        self._silent_beats += 1
        if self._silent_beats > self._liveness:
            return PlacidError(
                "backend_hung",
                f"the backend has not answered for {self._liveness} seconds; "
                "generate again to restart it",
            )
        self._send(Ping())
        return None

    def _lose(self, error: PlacidError) -> Lost:
        self._lost = error
        jobs = tuple(sorted(self.jobs))
        self.jobs.clear()
        self.capabilities = None
        return Lost(error, jobs)
