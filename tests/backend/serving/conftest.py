"""One running backend for a module's tests, and clients for it."""

import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

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
