"""Safetensors files as numpy arrays, read without any library and without trust.

The format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON
header, the header with name -> dtype, shape and place, then the values. Every number in a file is
checked against the file's own size before anything is allocated.
"""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from .arrays import MAX_AXES
from .errors import DecodeError
from .limits import MAX_TENSOR_HEADER_BYTES, MAX_TENSORS, MIB
from .text import decode_json, read_bytes

_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    name: np.dtype(code)
    for name, code in {
        "F64": "<f8",
        "F32": "<f4",
        "F16": "<f2",
        "I64": "<i8",
        "I32": "<i4",
        "I16": "<i2",
        "I8": "|i1",
        "U8": "|u1",
        "BOOL": "|b1",
    }.items()
}
_NAMES: Final = {dtype: name for name, dtype in _DTYPES.items()}
_METADATA: Final = "__metadata__"
# Whole networks in half precision are a tenth of it.
MAX_TENSOR_BYTES: Final = 2048 * MIB


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def encode_tensors(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The contents of a file. Arrays of one dtype lie together, the widest first."""
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {_METADATA: dict(metadata)}
    parts, end = [], 0
    for name in order:
        dtype = arrays[name].dtype.newbyteorder("<")
        data = arrays[name].astype(dtype, copy=False).tobytes()
        start, end = end, end + len(data)
        header[name] = _Entry(_NAMES[dtype], list(arrays[name].shape), (start, end))
        parts.append(data)
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])


def read_tensors(
    path: Path, most: int = MAX_TENSOR_BYTES
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and arrays of a file of at most so many bytes; errors as of `decode_tensors`."""
    return decode_tensors(read_bytes(path, most))


def decode_tensors(data: bytes) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and arrays of a file's contents; the arrays are copies that may be written to.

    Raises:
        DecodeError and the errors of `UNDECODABLE`.
    """
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(MAX_TENSOR_HEADER_BYTES, len(data) - 8):
        raise DecodeError("is damaged: its head is longer than the file or than any head is")
    head = decode_json(data[8 : 8 + length], dict[str, dict[str, Any]])
    metadata = msgspec.convert(head.pop(_METADATA, {}), dict[str, str])
    if len(head) > MAX_TENSORS:
        raise DecodeError(f"has more than {MAX_TENSORS} tensors")
    entries = msgspec.convert(head, dict[str, _Entry])
    values = memoryview(data)[8 + length :]
    return metadata, {name: _array(name, entry, values) for name, entry in entries.items()}


def _array(name: str, entry: _Entry, values: memoryview) -> np.ndarray:
    dtype = _DTYPES.get(entry.dtype)
    start, end = entry.data_offsets
    if dtype is None:
        raise DecodeError(f"has a tensor {name[:60]!r} of {entry.dtype[:20]!r} instead of numbers")
    if len(entry.shape) > MAX_AXES or any(not 0 <= side < 2**40 for side in entry.shape):
        raise DecodeError(f"has a tensor {name[:60]!r} of an impossible shape")
    size = math.prod(entry.shape) * dtype.itemsize
    if not 0 <= start <= end <= len(values) or size != end - start:
        raise DecodeError(f"has a tensor {name[:60]!r} that does not lie inside the damaged file")
    found = np.frombuffer(values[start:end], dtype=dtype)
    return found.reshape(entry.shape).astype(dtype.newbyteorder("="))
