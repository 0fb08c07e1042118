"""A hub and a drive on this machine with a miniature release; told to, they misbehave."""

import hashlib
import http.server
import json
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c" * 40
PAGE = b"<!DOCTYPE html><html><title>Quota exceeded</title></html>"


class Host:
    """What is served, and how.

    Attributes:
        repositories: files by repository and name; `drive`: zips by id.
        faults: by a part of the address: cut, size, hash, redirect, insecure, loop, page, slow,
            refused.
        asked: addresses with the range that was asked for.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.drive: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.commit = COMMIT
        self.address = ""

    def fault(self, path: str) -> str:
        return next((fault for part, fault in self.faults.items() if part in path), "")

    def listing(self, repository: str) -> dict[str, object]:
        files = self.repositories[repository]
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": "b",
                "lfs": {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 100,
                }
                if name.endswith(".tar")
                else None,
            }
            for name, content in files.items()
        ]
        return {"id": repository, "sha": self.commit, "siblings": siblings, "tags": []}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    host: Host

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        path = unquote(self.path)
        if path.startswith("/api/models/"):
            repository = "/".join(path.split("/")[3:5])
            if repository not in self.host.repositories:
                self.send_error(404)
                return
            self._send(json.dumps(self.host.listing(repository)).encode(), "application/json")
            return
        self.host.asked.append((path, self.headers.get("Range", "")))
        self._serve(path)

    def _serve(self, path: str) -> None:
        fault = self.host.fault(path)
        content = self._content(path.removeprefix("/elsewhere"))
        if content is None or fault == "refused":
            self.send_error(404 if content is None else 403)
        elif fault == "page":
            self._send(PAGE, "text/html; charset=utf-8")
        elif fault in ("redirect", "insecure", "loop") and not path.startswith("/elsewhere"):
            target = {
                "redirect": f"/elsewhere{self.path}",
                "insecure": "http://example.org/file",
                "loop": self.path,
            }
            self.send_response(302)
            self.send_header("Location", target[fault])
            self.end_headers()
        elif fault == "size":
            self._send(content + b"more")
        elif fault == "hash":
            self._send(bytes([content[0] ^ 1]) + content[1:])
        else:
            self._send(content, fault=fault)

    def _content(self, path: str) -> bytes | None:
        parts = urlsplit(path)
        if parts.path == "/download":
            return self.host.drive.get(parse_qs(parts.query)["id"][0])
        owner, name, _, commit, *rest = parts.path.lstrip("/").split("/")
        files = self.host.repositories.get(f"{owner}/{name}", {})
        return files.get("/".join(rest)) if commit == self.host.commit else None

    def _send(
        self, content: bytes, kind: str = "application/octet-stream", fault: str = ""
    ) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        start = 0
        asked = self.headers.get("Range", "")
        if asked and self.headers.get("If-Range") == tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if fault == "cut":
            rest = rest[: (len(rest) + 1) // 2] if start == 0 else b""
        if fault == "slow":
            for number in range(len(rest)):
                self.wfile.write(rest[number : number + 1])
                time.sleep(0.02)
        self.wfile.write(b"" if fault == "slow" else rest)


@contextmanager
def serving(host: Host) -> Iterator[Host]:
    """Serve until the block ends."""
    handler = type("Handler", (_Handler,), {"host": host})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield host
    server.shutdown()
    server.server_close()
    thread.join()


def write_table(
    path: Path,
    host: Host,
    releases: Mapping[str, tuple[list[str], list[str], list[dict[str, str]]]],
) -> Path:
    """A table in the shipped one's form: by release what it needs, its networks and its sources.

    A source of the hub has all files of its repository; each source is a part of its own.
    """
    lines = ["[hosts]", f'hub = "{host.address}"', f'drive = "{host.address}"']
    for name, (needs, networks, sources) in releases.items():
        lines += [f"[releases.{name}]", f'title = "{name}"', f'licence = "Licence of {name}."']
        lines += [f"needs = {json.dumps(needs)}", f"networks = {json.dumps(networks)}"]
        for source in sources:
            section = f"releases.{name}.parts.sources"
            lines += [f"[[releases.{name}.parts]]", f'name = "files of {name}"', f"[[{section}]]"]
            lines += [f'{key} = "{value}"' for key, value in source.items()]
            if source["host"] == "hub":
                files = sorted(host.repositories[source["id"]])
                lines += [f"[{section}.files]", *(f'"{file}" = ""' for file in files)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip as the releases are packed."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def files_below(folder: Path, under: str = "") -> dict[str, bytes]:
    """Content by path below a folder."""
    start = folder / under
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(start.rglob("*"))
        if path.is_file()
    }
