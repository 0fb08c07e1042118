"""Hostile and damaged files of every kind that Placid reads, from a seed: kind times damage."""

import io
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from official_files import write_options
from sample_motions import walking_motion
from tiny_body import write_body_model
from tiny_checkpoint import write_tiny_checkpoint

from shared.motion.bvh import save_bvh
from shared.motion.motion import save_motion

CHECKOUT = Path(__file__).parent.parent
ASSETS = CHECKOUT / "backend" / "assets"
_DEEP = 200_000
# Sparse, so that it takes no room on the disk.
_VAST_BYTES = 6 * 2**30


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the file, with its suffix.
        write: makes a good one in a folder; returns its path.
    """

    name: str
    write: Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """One hostile file: what it pretends to be, what was done, and how it is put in its place."""

    kind: str
    damage: str
    place: Callable[[Path], None]


def _motion(folder: Path) -> Path:
    save_motion(walking_motion(12), folder / "a.npz")
    return folder / "a.npz"


def _bvh(folder: Path) -> Path:
    save_bvh(walking_motion(12), folder / "a.bvh")
    return folder / "a.bvh"


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def _copy(source: Path, name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(source.read_bytes())
        return folder / name

    return write


def _options(folder: Path) -> Path:
    write_options(folder, {"nb_code": 32, "code_dim": 8, "stride_t": 2, "vq_norm": "None"})
    return folder / "opt.txt"


def _checkpoint(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        return write_tiny_checkpoint(folder / "checkpoint") / name

    return write


def _array(folder: Path) -> Path:
    np.save(folder / "mean.npy", np.ones(263, np.float32))
    return folder / "mean.npy"


_JOURNAL = (
    '{"key":"motion a-1","fingerprint":"f","files":'
    '{"a-1.npz":{"size":1,"modified":1,"sha256":"x"}}}\n'
)
_CONNECTION = (
    '{"announcement":{"version":3,"port":4000,"server_public_key":"' + "a" * 40 + '"},'
    '"client_keys":{"public":"' + "a" * 40 + '","secret":"' + "a" * 40 + '"}}'
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind("motion.npz", _motion),
        Kind("motion.bvh", _bvh),
        Kind("table.csv", _text("a.csv", "prompt,seconds\na person walks,2\n")),
        Kind("table.json", _text("a.json", '[{"prompt": "a person walks", "seconds": 2}]')),
        Kind("batch-journal.jsonl", _text("batch-journal.jsonl", _JOURNAL)),
        Kind("prompts.txt", _text("a.txt", "a person walks\na person waves\n")),
        Kind("concept.toml", _copy(ASSETS / "concepts" / "kick.toml", "a.toml")),
        Kind(
            "mapping.toml",
            _copy(CHECKOUT / "shared" / "recognition" / "presets" / "ue5.toml", "a.toml"),
        ),
        Kind("opt.txt", _options),
        Kind("mean.npy", _array),
        Kind("body.npz", lambda folder: write_body_model(folder / "a.npz")),
        Kind("config.json", _checkpoint("config.json")),
        Kind("rvq.safetensors", _checkpoint("rvq.safetensors")),
        Kind(
            "edit.safetensors",
            _copy(ASSETS / "edits" / "momask-lcr-kick.safetensors", "a.safetensors"),
        ),
        Kind(
            "statistics.safetensors",
            _copy(ASSETS / "statistics" / "kick-padded.safetensors", "a.safetensors"),
        ),
        Kind("connection.json", _text("a.json", _CONNECTION)),
    )
}


def contents(good: bytes, draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """What a file may hold instead of what it should, with a name for each."""
    yield "empty", b""
    yield "cut in half", good[: len(good) // 2]
    yield "last byte gone", good[:-1]
    yield "said twice", good + good
    yield "zeros", bytes(len(good))
    yield "garbage", draw.randbytes(3000)
    yield "garbage before", draw.randbytes(40) + good
    yield "another encoding", good.decode("latin-1").encode("utf-16")
    yield "not UTF-8", good.replace(b"a", b"\xff", 3)
    for number in range(6):
        damaged = bytearray(good)
        for _ in range(1 + number * 4):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        yield f"bytes changed, {number}", bytes(damaged)
    yield "nested lists", b"[" * _DEEP
    yield "nested objects", b'{"a":' * _DEEP
    yield "nested TOML", b"a = " + b"[" * _DEEP + b"]" * _DEEP
    yield "a long key", b".".join([b"a"] * 60_000) + b" = 1"
    yield "a long number", b'{"version": ' + b"9" * 6000 + b"}"
    yield "many entries", b"[" + b"0," * 700_000 + b"0]"
    yield "a pickle", pickle.dumps({"a": np.ones(3)})
    yield "a bomb", _bomb()
    yield "2 TB promised", _zip({"joints.npy": _npy_head("<f4", f"({2**39},)")})
    yield "objects", _zip({"header.npy": _npy_head("|O", "(1,)") + pickle.dumps([print])})
    yield "a vast head", struct.pack("<Q", 2**62) + b"{}"
    yield "deep head", struct.pack("<Q", _DEEP) + b"[" * _DEEP


def cases(seed: int = 12) -> Iterator[Case]:
    """Every kind of file with every damage, and every kind in the place of every other."""
    draw = random.Random(seed)
    for kind in KINDS.values():
        for damage in ("a folder", "a pipe", "a loop of links", "vast"):
            if os.name != "nt" or damage in ("a folder", "vast"):
                yield Case(kind.name, damage, _places()[damage])
        good = _good(kind)
        for damage, content in contents(good, draw):
            yield Case(kind.name, damage, lambda path, content=content: _write(path, content))
        for other in KINDS.values():
            if other != kind:
                content = _good(other)
                yield Case(
                    kind.name,
                    f"{other.name} instead",
                    lambda path, content=content: _write(path, content),
                )


def _places() -> dict[str, Callable[[Path], None]]:
    return {
        "a folder": lambda path: path.mkdir(),
        "a pipe": lambda path: os.mkfifo(path),
        "a loop of links": lambda path: path.symlink_to(path.name),
        "vast": _vast,
    }


def _good(kind: Kind) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return kind.write(Path(folder)).read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _vast(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(_VAST_BYTES)


def _npy_head(dtype: str, shape: str) -> bytes:
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bomb() -> bytes:
    """Two gigabytes of zeros, in two megabytes, under the names that a motion has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("header.npy", "joints.npy"):
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(_npy_head("<u4" if name == "header.npy" else "<f4", f"({2**28},)"))
                for _ in range(256):
                    file.write(bytes(2**20))
    return buffer.getvalue()
