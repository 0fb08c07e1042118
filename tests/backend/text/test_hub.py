"""Without a network, a download is given up within seconds and said in a sentence."""

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from backend.text import clip_files
from backend.text.clip import ClipEncoder
from backend.text.hub import problem_of_hub
from shared.errors import PlacidError


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def answering() -> Iterator[str]:
    """The address of a server that answers everything with 501."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_server_that_answers_is_there(monkeypatch: pytest.MonkeyPatch, answering: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", answering)
    assert problem_of_hub() == ""


def test_a_server_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", silent)
    assert silent in problem_of_hub(0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "nonsense"])
def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", url)
    assert url in problem_of_hub()


def test_offline_the_library_is_not_even_asked_to_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    asked: list[bool] = []

    def find(name: str, is_local: bool) -> None:
        asked.append(is_local)
        raise OSError("it is not in the cache")

    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(clip_files, "_cached", find)
    with pytest.raises(PlacidError, match="cannot be reached") as caught:
        ClipEncoder(allow_download=True)
    assert caught.value.code == "encoder_missing"
    assert asked == [True]
