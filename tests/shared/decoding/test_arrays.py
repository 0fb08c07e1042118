"""NumPy's files of others: nothing is unpickled, and nothing large is made of something small."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shared.decoding.arrays import check_safetensors, read_npy, read_npz
from shared.decoding.errors import FileKind
from shared.errors import PlacidError

KIND = FileKind("a sample", "write it again", lambda text: PlacidError("bad_sample", text))
MIB = 2**20


def _npy(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + body


def _head(dtype: str, shape: str) -> str:
    return f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n"


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _saved(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _refusal(data: bytes, most: int = MIB) -> str:
    with pytest.raises(PlacidError) as caught, KIND.reading("sample.npz"):
        read_npz(data, ("a",), most=most)
    assert "pickle" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "|b1", "<i8", "<u2", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_numpy_reads_them(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 2, dtype=dtype, order=order)
    found = read_npz(_saved(a=array, b=np.array(3.5)), ("a",), ("b", "c"))
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == np.dtype(dtype).newbyteorder("=")
    assert found["a"].flags.writeable
    assert found["b"].shape == ()
    assert "c" not in found
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)


def test_a_small_file_does_not_become_a_large_array() -> None:
    zeros = _zip({"a.npy": _npy(_head("<f4", f"({64 * MIB},)"), bytes(256 * MIB))})
    assert len(zeros) < MIB
    tracemalloc.start()
    assert "more than 1 MB" in _refusal(zeros)
    assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("<f4", "(549755813888,)"),
        ("<f4", f"({2**62}, {2**62}, 4)"),
        ("<f4", "(-1,)"),
        ("<f4", "(3,)"),
        ("<f4", "(1,)" + " " * 20_000),
        ("<f4", str((1,) * 40)),
        ("<f4", "(1.5,)"),
        ("<f4", "(True,)"),
        ("<c8", "(0,)"),
        ("<U4", "(0,)"),
        ("|S4", "(0,)"),
        ("|O", "(0,)"),
        ("<M8[s]", "(0,)"),
        ("|V8", "(0,)"),
        ("nonsense", "(0,)"),
    ],
)
def test_what_an_array_promises_is_held_against_what_it_is(dtype: str, shape: str) -> None:
    _refusal(_zip({"a.npy": _npy(_head(dtype, shape), bytes(8))}))


def test_structured_arrays_are_refused() -> None:
    header = "{'descr': [('x', '<f4'), ('y', '|O')], 'fortran_order': False, 'shape': (0,), }\n"
    _refusal(_zip({"a.npy": _npy(header)}))


@pytest.mark.parametrize(
    "header",
    ["", "{", "[" * 5000, "{'descr': '<f4'}", "__import__('os')", "{'descr': 1}\n", "\0" * 50],
)
def test_heads_that_are_none(header: str) -> None:
    _refusal(_zip({"a.npy": _npy(header)}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06" + bytes(18),
        b"PK\x03\x04" + bytes(500),
        _saved(a=np.zeros(9))[:-30],
        _saved(b=np.zeros(9)),
        _zip({"a.npy": b""}),
        _zip({"a.npy": b"\x80\x04K\x01."}),
        _zip({"a.npy": _npy(_head("<f4", "(1,)"), b"", (9, 9))}),
        _zip({"a.npy": _npy(_head("<f4", "(1,)"), bytes(4))}, zipfile.ZIP_BZIP2),
        _zip({"a.npy": _npy(_head("<f4", "(1,)"), bytes(4))}, zipfile.ZIP_LZMA),
        _zip({f"{i}.npy": b"" for i in range(300)}),
        _zip({"a.npy": b"", "a": b""}),
    ],
)
def test_files_that_are_no_npz(data: bytes) -> None:
    _refusal(data)


def test_every_single_flipped_byte_is_read_or_refused() -> None:
    whole = bytearray(_saved(a=np.arange(6, dtype=np.float32)))
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            with KIND.reading("sample.npz"):
                read_npz(bytes(damaged), ("a",), most=MIB)
        except PlacidError:
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 40_000) + b"[" * 40_000,
        struct.pack("<Q", 24) + b'{"__metadata__":{"a":5}}',
    ],
)
def test_heads_of_safetensors(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(PlacidError), KIND.reading(path):
        check_safetensors(path, MIB)


def test_the_size_of_safetensors_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 2) + b"{}" + bytes(100))
    assert check_safetensors(path, MIB) == {}
    with pytest.raises(PlacidError, match="larger"), KIND.reading(path):
        check_safetensors(path, 50)
