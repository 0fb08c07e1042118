"""The backend's socket: one poll loop between the clients, the doorkeeper and the worker."""

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zmq

from shared.errors import PlacidError
from shared.protocol.framing import MAX_REQUEST_BYTES, Arrays, motion_of, pack, unpack
from shared.protocol.handshake import Announcement, Connection, ExitCode, Handover, write_connection
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

from . import auth, lifecycle
from .jobs import EVERYBODY, Job, MotionGenerator, Worker, cancellation

_OUTBOX: Final = "inproc://placid.outbox"
# How long the last messages may take to leave when the backend ends, in milliseconds.
LINGER: Final = 500
# How long a generator may take to notice the end before the process ends without it.
_WORKER_SECONDS: Final = 2.0

Context = zmq.Context[zmq.Socket[bytes]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Patience, in seconds.

    Attributes:
        heartbeat: between two signs of life.
        liveness: heartbeats without a sign of life after which a connection counts as gone.
        cancel: for the generator to notice that a job was cancelled.
        stall: for the generator to do one step.
    """

    heartbeat: float = 1.0
    liveness: int = 5
    cancel: float = 15.0
    stall: float = 180.0


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
        PlacidError: `no_port` or `not_writable`, before anything is announced.
    """
    lifecycle.log_to(log_path, log_level)
    server_keys = auth.make_keys()
    context: Context = zmq.Context()
    try:
        if isinstance(handover, Handover):
            server = Server(context, server_keys, handover.client_public_key, limits or Limits())
            lifecycle.announce(server.announcement)
            lifecycle.silence_pipes(log_path)
            lifecycle.watch_parent(handover.parent_pid, lambda: os._exit(ExitCode.PARENT_GONE))
            code = server.run(make_generator, log_path)
        else:
            client_keys = auth.make_keys()
            server = Server(context, server_keys, client_keys.public, limits or Limits())
            write_connection(Connection(server.announcement, client_keys), handover)
            print(f"Placid's backend is ready; clients connect with {handover}", flush=True)
            try:
                # A shell that starts a command in the background has it ignore Ctrl-C.
                for end in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(end, signal.default_int_handler)
                code = server.run(make_generator, log_path)
            finally:
                handover.unlink(missing_ok=True)
    finally:
        context.destroy(linger=LINGER)
    log.info("the backend ends with exit code %d", code)
    return code


class Server:
    """Forwards requests to the worker and its answers to the clients, and keeps the heartbeat.

    Binding happens here, on 127.0.0.1 and a port of the system's choice.

    Raises:
        PlacidError: `no_port`.
    """

    def __init__(
        self,
        context: Context,
        keys: auth.KeyPair,
        client_public_key: str,
        limits: Limits,
    ) -> None:
        self._context = context
        self._limits = limits
        self._clients: set[bytes] = set()
        self._doorkeeper = auth.ZapAuthenticator(context, client_public_key)
        self._router = context.socket(zmq.ROUTER)
        auth.lock(self._router, keys)
        # Sending to a client that has gone is an error instead of silence.
        self._router.router_mandatory = True
        # Nothing waits for a client that does not read: its messages are few and small.
        self._router.sndhwm = 0
        self._router.maxmsgsize = MAX_REQUEST_BYTES
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

    def run(self, make_generator: Callable[[], MotionGenerator], log_path: Path) -> int:
        """Serve until a client says Shutdown, Ctrl-C, or a generator that hangs."""
        inbox = self._context.socket(zmq.PULL)
        inbox.bind(_OUTBOX)
        outbox = self._context.socket(zmq.PUSH)
        outbox.connect(_OUTBOX)

        def send(client: bytes, frames: list[bytes]) -> None:
            outbox.send_multipart([client, *frames])

        self._worker = Worker(make_generator, send, log_path)
        self._worker.start()
        try:
            code = self._loop(inbox)
        except KeyboardInterrupt:
            code = ExitCode.DONE
        self._worker.queue.close()
        if code != ExitCode.HUNG:
            self._worker.join(_WORKER_SECONDS)
        if self._worker.is_alive():
            # Let the last messages leave; then end hard, because the interpreter's shutdown
            # under a thread that computes would crash.
            time.sleep(LINGER / 1000)
            logging.shutdown()
            os._exit(code)
        outbox.close()
        return code

    def _loop(self, inbox: zmq.Socket[bytes]) -> ExitCode:
        poller = zmq.Poller()
        for socket in (inbox, self._router, self._doorkeeper.socket):
            poller.register(socket, zmq.POLLIN)
        beat_at = time.monotonic()
        while True:
            wait = max(0.0, beat_at + self._limits.heartbeat - time.monotonic())
            ready = dict(poller.poll(round(wait * 1000)))
            if self._doorkeeper.socket in ready:
                self._doorkeeper.answer()
            if inbox in ready:
                client, *frames = inbox.recv_multipart()
                self._forward(client, frames)
            if self._router in ready:
                client, *frames = self._router.recv_multipart()
                if self._receive(client, frames):
                    return ExitCode.DONE
            if time.monotonic() - beat_at >= self._limits.heartbeat:
                beat_at = time.monotonic()
                self._forward(EVERYBODY, pack(Ping()))
                if self._worker_hangs():
                    return ExitCode.HUNG
                if not self._worker.is_alive():
                    return ExitCode.FAILED

    def _receive(self, client: bytes, frames: list[bytes]) -> bool:
        """Act on one message; true when the backend is to end."""
        self._clients.add(client)
        try:
            message, arrays = unpack(frames)
            return self._dispatch(client, message, arrays)
        except PlacidError as error:
            log.warning("a message was refused: %s", error.message)
            self._tell(client, Error.of(error))
        return False

    def _dispatch(self, client: bytes, message: AnyMessage, arrays: Arrays) -> bool:
        match message:
            case Hello():
                log.info("%s has connected", message.client)
                self._tell(client, self._worker.welcome)
            case Submit():
                self._enqueue(client, message, arrays)
            case Unload():
                self._worker.queue.put(Job(client, message.job, None))
            case Cancel():
                for job in self._worker.queue.cancel(client, message.job):
                    self._tell(client, Error.of(cancellation(), job.number))
            case Ping():
                self._tell(client, Pong())
            case Pong():
                pass
            case Shutdown():
                return True
            case _:
                raise PlacidError(
                    "bad_message",
                    f"{type(message).__name__} is for a backend to send, not to receive; "
                    "use the client that comes with Placid",
                )
        return False

    def _enqueue(self, client: bytes, submit: Submit, arrays: Arrays) -> None:
        try:
            motion = motion_of(submit.clip, arrays) if submit.clip else None
        except PlacidError as error:
            self._tell(client, Error.of(error, submit.job))
            return
        self._worker.queue.put(Job(client, submit.job, submit.request, motion))

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
        self._worker.queue.cancel(client)

    def _worker_hangs(self) -> bool:
        job = self._worker.queue.running
        if job is None:
            return False
        now = time.monotonic()
        ignored = job.cancelled_at is not None and now - job.cancelled_at > self._limits.cancel
        if not ignored and now - job.alive_at < self._limits.stall:
            return False
        error = PlacidError(
            "hung",
            "the generation did not react any more and the backend was stopped; generate again, "
            "with fewer takes or on another device if it recurs",
        )
        log.error(error.message)
        self._tell(job.client, Error.of(error, job.number))
        return True
