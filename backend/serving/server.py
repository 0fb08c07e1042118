"""The backend's socket: one poll loop between the clients, the authenticator and the worker."""

import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import zmq

from shared.errors import PlacidError
from shared.protocol.framing import (
    MAX_REQUEST_BYTES,
    Arrays,
    job_begun_by,
    motion_of,
    pack,
    too_large,
    unpack,
)
from shared.protocol.handshake import (
    Announcement,
    Connection,
    ExitCode,
    Handover,
    KeyPair,
    write_connection,
)
from shared.protocol.messages import (
    PROTOCOL_VERSION,
    AnyMessage,
    Cancel,
    Error,
    Hello,
    Message,
    Ping,
    Pong,
    Shutdown,
    Submit,
    Unload,
)
from shared.protocol.sockets import Socket, Sockets

from . import auth, lifecycle
from .failures import explain
from .job_queue import Job, cancellation
from .jobs import EVERYBODY, MotionGenerator, Worker
from .patience import Limits, hangs

_OUTBOX: Final = "inproc://placid.outbox"
# How long the last messages may take to leave when the backend ends.
_CLOSE_SECONDS: Final = 3.0
# How long clients have to read why it ends.
_LAST_WORDS_SECONDS: Final = 0.5
# How long a generator may take to notice the end before the process ends without it.
_WORKER_SECONDS: Final = 2.0
# A frame that is larger than this, ZeroMQ does not even take into memory: it ends the connection.
# What is smaller and still too large gets an answer.
_MAX_FRAME_BYTES: Final = 64 * MAX_REQUEST_BYTES

log = logging.getLogger(__name__)


def serve(
    make_generator: Callable[[], MotionGenerator],
    handover: Handover | Path,
    log_path: Path,
    limits: Limits | None = None,
    log_level: int = logging.INFO,
) -> int:
    """Run a backend until it is told to end; returns the exit code of the process.

    Args:
        make_generator: called in the worker thread, when the backend already answers.
        handover: what the parent wrote to stdin; or, for a backend started by hand, where to put
            the connection file.
        log_path: the log; in a backend with a parent it takes stdout and stderr as well.
        limits: patience; the defaults suit people.
        log_level: the least severe level that is logged, as the module `logging` counts.

    Raises:
        PlacidError: `no_port`, `not_writable` or `backend_running`, before anything is announced.
    """
    lifecycle.log_to(log_path, log_level)
    server_keys, sockets = auth.make_keys(), Sockets()
    with contextlib.ExitStack() as closing:
        closing.callback(sockets.close, _CLOSE_SECONDS)
        with contextlib.ExitStack() as started:
            if isinstance(handover, Handover):
                key = handover.client_public_key
                server = Server(sockets, server_keys, key, limits or Limits())
                if not lifecycle.announce(server.announcement):
                    log.info("the program that started the backend ended before it was ready")
                    return ExitCode.PARENT_GONE
                lifecycle.silence_pipes(log_path)
                lifecycle.watch_parent(handover.parent_pid, lambda: os._exit(ExitCode.PARENT_GONE))
            else:
                client_keys = auth.make_keys()
                server = Server(sockets, server_keys, client_keys.public, limits or Limits())
                started.enter_context(lifecycle.ending_on_signals(server.end))
                started.enter_context(lifecycle.connection_file(handover))
                write_connection(Connection(server.announcement, client_keys), handover)
                print(f"Placid's backend is ready; clients connect with {handover}", flush=True)
            code = server.run(make_generator, log_path)
        log.info("the backend ends with exit code %d", code)
        if not server.at_rest:
            # The interpreter's shutdown under a thread that computes would crash, and its sockets
            # are not to be closed under it.
            logging.shutdown()
            os._exit(code)
    return code


class Server:
    """Forwards requests to the worker and its answers to the clients, and keeps the heartbeat.

    Binding happens here, on 127.0.0.1 and a port of the system's choice.

    Raises:
        PlacidError: `no_port`.
    """

    def __init__(
        self,
        sockets: Sockets,
        keys: KeyPair,
        client_public_key: str,
        limits: Limits,
    ) -> None:
        self._sockets = sockets
        self._limits = limits
        self._clients: set[bytes] = set()
        self._ending = False
        self._worker: Worker | None = None
        self._log_path: Path | None = None
        self._zap = auth.ZapAuthenticator(sockets, client_public_key)
        self._router = sockets.open(zmq.ROUTER)
        auth.lock(self._router, keys)
        # Sending to a client that has gone is an error instead of silence.
        self._router.router_mandatory = True
        # Nothing waits for a client that does not read: its messages are few and small.
        self._router.sndhwm = 0
        self._router.maxmsgsize = _MAX_FRAME_BYTES
        # ZeroMQ's own threads answer these, so a client whose program is busy stays connected
        # and one that is gone does not.
        self._router.heartbeat_ivl = round(limits.heartbeat * 1000)
        self._router.heartbeat_timeout = round(limits.heartbeat * limits.liveness * 1000)
        try:
            self._router.bind("tcp://127.0.0.1:0")
        except zmq.ZMQError as error:
            raise PlacidError(
                "no_port",
                f"no port on 127.0.0.1 can be opened ({error.strerror}); allow local "
                "connections in the firewall or end other programs",
            ) from error
        port = int(self._router.get_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        self.announcement = Announcement(PROTOCOL_VERSION, port, keys.public)

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it computes any more."""
        return self._worker is None or not self._worker.is_alive()

    def end(self) -> None:
        """Let `run` return soon; may be called at any moment, from a signal's handler too."""
        self._ending = True

    def run(self, make_generator: Callable[[], MotionGenerator], log_path: Path) -> int:
        """Serve until a client says Shutdown, `end` is called, or a generator hangs."""
        inbox = self._sockets.open(zmq.PULL)
        inbox.bind(_OUTBOX)
        outbox = self._sockets.open(zmq.PUSH)
        outbox.connect(_OUTBOX)

        def send(client: bytes, frames: list[bytes]) -> None:
            outbox.send_multipart([client, *frames])

        self._log_path = log_path
        self._worker = worker = Worker(make_generator, send, log_path)
        worker.start()
        code = self._loop(inbox, worker)
        worker.queue.close()
        if code != ExitCode.HUNG:
            worker.join(_WORKER_SECONDS)
        if not self.at_rest:
            # A connection that is closed before all that came has been read is reset, and what
            # the client has not read by then is lost to it.
            time.sleep(_LAST_WORDS_SECONDS)
        return code

    def _loop(self, inbox: Socket, worker: Worker) -> ExitCode:
        poller = zmq.Poller()
        for socket in (inbox, self._router, self._zap.socket):
            poller.register(socket, zmq.POLLIN)
        beat_at = time.monotonic()
        while not self._ending:
            wait = max(0.0, beat_at + self._limits.heartbeat - time.monotonic())
            ready = dict(poller.poll(round(wait * 1000)))
            if self._zap.socket in ready:
                self._zap.answer()
            if inbox in ready:
                client, *frames = inbox.recv_multipart()
                self._forward(client, frames)
            if self._router in ready:
                self._receive(worker)
            if time.monotonic() - beat_at >= self._limits.heartbeat:
                beat_at = time.monotonic()
                self._forward(EVERYBODY, pack(Ping()))
                if self._hangs(worker):
                    return ExitCode.HUNG
                if not worker.is_alive():
                    return ExitCode.FAILED
        return ExitCode.DONE

    def _receive(self, worker: Worker) -> None:
        """Read one message and act on it; what is wrong with it is told to who sent it."""
        client, frames, size = self._read()
        self._clients.add(client)
        try:
            if size > MAX_REQUEST_BYTES:
                raise too_large(size)
            message, arrays = unpack(frames)
            self._dispatch(worker, client, message, arrays)
        except Exception as error:
            failure = explain(error, self._log_path)
            log.warning("a message was refused: %s", failure.message)
            job = job_begun_by(frames[0]) if frames else None
            # The number of a job that runs is not the one that failed.
            if job is not None and worker.queue.knows(client, job):
                job = None
            self._tell(client, Error.of(failure, job))

    def _read(self) -> tuple[bytes, list[bytes], int]:
        """Who sent a message, its frames, and their size; of one that is too large, what fits."""
        client, frames, size = self._router.recv(), list[bytes](), 0
        while self._router.rcvmore:
            frame = self._router.recv(copy=False)
            size += len(frame)
            if size <= MAX_REQUEST_BYTES:
                frames.append(frame.bytes)
        return client, frames, size

    def _dispatch(self, worker: Worker, client: bytes, message: AnyMessage, arrays: Arrays) -> None:
        match message:
            case Hello():
                log.info("%s has connected", message.client)
                self._tell(client, worker.welcome)
            case Submit():
                motion = motion_of(message.clip, arrays) if message.clip else None
                worker.queue.put(Job(client, message.job, message.request, motion))
            case Unload():
                worker.queue.put(Job(client, message.job, None))
            case Cancel():
                for job in worker.queue.cancel(client, message.job):
                    self._tell(client, Error.of(cancellation(), job.number))
            case Ping():
                self._tell(client, Pong())
            case Pong():
                pass
            case Shutdown():
                self.end()
            case _:
                raise PlacidError(
                    "bad_message",
                    f"{type(message).__name__} is for a backend to send, not to receive; "
                    "use the client that comes with Placid",
                )

    def _tell(self, client: bytes, message: Message) -> None:
        self._forward(client, pack(message))

    def _forward(self, to: bytes, frames: list[bytes]) -> None:
        for client in list(self._clients) if to == EVERYBODY else [to]:
            try:
                self._router.send_multipart([client, *frames])
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
                self._forget(client)

    def _forget(self, client: bytes) -> None:
        if client in self._clients:
            log.info("a client has gone; its jobs are dropped")
            self._clients.discard(client)
        if self._worker is not None:
            self._worker.queue.cancel(client)

    def _hangs(self, worker: Worker) -> bool:
        """Whether the generator reacts no more, which is told to who waits for it."""
        job = worker.queue.running
        if job is None or not hangs(job, worker, self._limits):
            return False
        error = PlacidError(
            "hung",
            "the generation did not react any more and the backend was stopped; generate again, "
            "with fewer takes or on another device if it recurs",
        )
        log.error(error.message)
        self._tell(job.client, Error.of(error, job.number))
        return True
