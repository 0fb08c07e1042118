"""Files as a stranger may hand them over, and the doors through which Placid reads them.

A door is one line of `DOORS`: a good file of a kind, and what reads it. Every kind is then cut off,
flipped, swollen, nested and filled with noise.
"""

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from sample_motions import walking_motion

from backend.unlearning.concept import load_concept
from shared.batch.journal import JOURNAL, open_journal
from shared.batch.table import read_table
from shared.motion.bvh import load_bvh, save_bvh
from shared.motion.motion import encode_motion, load_motion


@dataclass(frozen=True)
class Door:
    """A kind of file: its name, a good one, and what reads it."""

    name: str
    good: bytes
    read: Callable[[Path], object]


def _journal(path: Path) -> None:
    with open_journal(path.parent):
        pass


def _bvh(folder: Path) -> bytes:
    path = folder / "good.bvh"
    save_bvh(walking_motion(30), path)
    return path.read_bytes()


def doors(folder: Path) -> list[Door]:
    """Every door; `folder` is for files that are made on the way."""
    motion = encode_motion(walking_motion(30))
    rows = [{"prompt": "a person walks", "seconds": 2.5, "takes": 2, "seed": 7}] * 5
    table = "prompt,seconds,takes\n" + "a person walks,2.5,2\n" * 5
    entry = {"key": "motion walk-0", "fingerprint": "a" * 16, "files": {"walk-0.npz": 5}}
    concept = 'name = "kick"\ntitle = "Kicks"\nkeywords = ["kick", "roundhouse"]\n'
    return [
        Door("motion.npz", motion, load_motion),
        Door("motion.bvh", _bvh(folder), load_bvh),
        Door("table.csv", table.encode(), lambda path: read_table(path).check(None)),
        Door("table.json", msgspec.json.encode(rows), lambda path: read_table(path).check(None)),
        Door(JOURNAL, msgspec.json.encode(entry) + b"\n", _journal),
        Door("concept.toml", concept.encode(), load_concept),
    ]


def hostile(door: Door, chance: random.Random, count: int) -> Iterator[bytes]:
    """So many files of a kind, none of which is a good one but by chance."""
    fixed = [
        b"",
        b"\x00" * 4096,
        b"\xff" * 4096,
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"x = [" + b"[" * 50_000,
        b"1" * 400_000,
        b'[{"prompt": "walk", "seed": 1' + b"0" * 5000 + b"}]",
        b"HIERARCHY\nROOT a\n{\n" + b"JOINT b\n{\n" * 20_000,
        b"MOTION\nFrames: -1\nFrame Time: 1e-320\n",
        _npz(joints=np.zeros((3, 22, 3), complex)),
        _npz(joints=np.array("text")),
        _npz(joints=np.zeros((10_000, 22, 3), np.float32), padding=np.zeros(4_000_000)),
        _declared(),
        door.good * 200,
    ]
    yield from fixed[:count]
    for _ in range(count - len(fixed)):
        data = bytearray(door.good)
        match chance.randrange(4):
            case 0:
                del data[chance.randrange(len(data)) :]
            case 1:
                for _ in range(chance.randint(1, 30)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            case 2:
                place = chance.randrange(len(data))
                data[place:place] = chance.randbytes(chance.choice((1, 50, 5000)))
            case 3:
                place = chance.randrange(len(data))
                data[place : place + 8] = chance.choice(
                    (b"1e999999", b"-1e30000", b"NaN", b"\r\n\x00", b'"""""""', "é😀".encode())
                )
        yield bytes(data)


def _npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _declared() -> bytes:
    """An array that says it has two terabytes."""
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (500000000000,), }"
    head = head.ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("joints.npy", array)
    return file.getvalue()
