"""One file over HTTP: it goes on where it stopped, and gives up in a sentence."""

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from backend.checkpoints.download.table import is_safe_address
from shared.errors import PlacidError
from shared.files import cannot_write

_CHUNK: Final = 1 << 18
_ANSWERS: Final = {
    401: "it wants a login",
    403: "it refuses the file; its quota may be used up",
    404: "it has no such file",
    429: "it has had too many requests; wait some minutes",
}
Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Limits:
    """When a download is given up.

    Attributes:
        answer_seconds: without a byte.
        window_seconds, lowest_rate: bytes a second over so many seconds.
        attempts: after which a connection that breaks is not made again.
        most_bytes: of one file.
    """

    answer_seconds: float = 20.0
    window_seconds: float = 60.0
    lowest_rate: float = 2048.0
    attempts: int = 5
    most_bytes: int = 1 << 32


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Wanted:
    """A file on a host.

    Attributes:
        name: for messages.
        sizes: the smallest and the largest size in bytes that it may have.
    """

    url: str
    name: str
    sizes: tuple[int, int] = (0, LIMITS.most_bytes)

    @property
    def host(self) -> str:
        """The host's name, for messages."""
        return urlsplit(self.url).netloc


def failed(wanted: Wanted, problem: str, remedy: str) -> PlacidError:
    """The sentence for a file that did not come."""
    return PlacidError(
        "download_failed",
        f"{wanted.name} could not be fetched from {wanted.host}: {problem}; {remedy}",
    )


def fetch(wanted: Wanted, part: Path, report: Report, limits: Limits = LIMITS) -> None:
    """Fetch a file into `part`, which may hold the beginning of it.

    Whatever ends it, the part stays, and the next call goes on from there if the host still has
    the same file.

    Args:
        report: told the bytes that are there and the bytes of the whole, None if not known.

    Raises:
        PlacidError: `download_failed`, with what the host did; `not_writable`.
    """
    problem = ""
    for _ in range(limits.attempts):
        before = _size(part)
        try:
            if _go_on(wanted, part, report, limits):
                return
            problem = "the connection ended early"
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and before:
                    part.unlink()  # the host's file is shorter than what is here
                    continue
                # The library's own words for a loop of redirects have several lines.
                told = str(error.reason or "it does not say why").splitlines()[0].rstrip(". ")
                answer = f"it answers {error.code} ({_ANSWERS.get(error.code, told)})"
            raise failed(wanted, answer, "try again later") from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.filename == str(part):
                raise
            reason = getattr(error, "reason", None) or error
            problem = f"the connection broke ({str(reason) or type(reason).__name__})"
        if _size(part) == before:
            break
    size = f"{_size(part) / 1e6:.1f} MB are kept, and " if _size(part) else ""
    remedy = f"{size}the same command goes on from there" if size else "try again"
    raise failed(wanted, problem, remedy)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where what comes cannot be changed on its way, and nowhere else."""

    max_redirections = 6
    max_repeats = 3

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not is_safe_address(newurl):
            raise failed(
                self._wanted,
                f"it sends on to {newurl[:80]}, which is not https",
                "do not use this host",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _go_on(wanted: Wanted, part: Path, report: Report, limits: Limits) -> bool:
    """Read on until the end, whose reaching is told, or until the connection ends."""
    mark = part.with_suffix(".mark")
    have, validator = _size(part), mark.read_text("ascii") if mark.exists() else ""
    headers = {"User-Agent": "placid", "Accept-Encoding": "identity"}
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    request = urllib.request.Request(wanted.url, headers=headers)
    opener = urllib.request.build_opener(_Redirects(wanted))
    with opener.open(request, timeout=limits.answer_seconds) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise failed(
                wanted,
                "it sends a page instead of the file, as hosts do whose quota for a file is used "
                "up",
                "try again in a day, or fetch it with a browser and unpack it into the folder",
            )
        start, whole = _range(answer, have)
        if whole is not None and not wanted.sizes[0] <= whole <= wanted.sizes[1]:
            smallest, largest = wanted.sizes
            sizes = f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
            raise failed(
                wanted,
                f"it has {whole} bytes there instead of {sizes}",
                "it is not the file that was published; do not use this host",
            )
        mark.write_text(_validator(answer.headers), "ascii")
        with part.open("ab" if start else "wb") as file:
            have = _copy(answer, file, part, wanted, start, whole, report, limits)
    return whole is None or have == whole


def _copy(
    answer: http.client.HTTPResponse,
    file: IO[bytes],
    part: Path,
    wanted: Wanted,
    have: int,
    whole: int | None,
    report: Report,
    limits: Limits,
) -> int:
    began, counted = time.monotonic(), 0
    report(have, whole)
    while chunk := answer.read1(_CHUNK):
        try:
            file.write(chunk)
        except OSError as error:
            raise cannot_write(part, error) from error
        have += len(chunk)
        counted += len(chunk)
        report(have, whole)
        if have > wanted.sizes[1]:
            raise failed(
                wanted, f"it sends more than {wanted.sizes[1]} bytes", "do not use this host"
            )
        elapsed = time.monotonic() - began
        if elapsed >= limits.window_seconds:
            if counted < limits.lowest_rate * elapsed:
                raise failed(
                    wanted,
                    f"it sent {counted / elapsed:.0f} bytes a second over the last "
                    f"{elapsed:.0f} seconds, which is too slow",
                    "what came is kept, and the same command goes on from there",
                )
            began, counted = time.monotonic(), 0
    file.flush()
    os.fsync(file.fileno())
    return have


def _range(answer: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the answer begins, and the bytes of the whole file."""
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != have:
            raise http.client.HTTPException("it goes on from another place than asked")
        return have, int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isascii() and length.isdigit() else None


def _validator(headers: Message) -> str:
    """What tells later whether the host still has the same file; only strong ones can."""
    tag = headers.get("ETag", "")
    found = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    return found if found.isascii() else ""
