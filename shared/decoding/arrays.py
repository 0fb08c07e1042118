"""NumPy's files and the heads of safetensors from somebody else: sizes are checked before reading.

An npz is a zip of npy files. What a member declares is held against what it says its array is
before one byte of it is decompressed, and no member is ever unpickled.
"""

import math
import struct
import zipfile
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import numpy as np
from numpy.lib import format as npy

from ..names import printable
from .errors import DecodeError
from .limits import (
    MAX_ARRAY_BYTES,
    MAX_MEMBERS,
    MAX_TENSOR_HEADER_BYTES,
    MAX_TENSORS,
    MIB,
)
from .text import check_file, decode_json

# Booleans, whole numbers, floats: what a motion, a table or a statistic is made of.
NUMBERS: Final = "biuf"
MAX_AXES: Final = 8
_STORED_OR_DEFLATED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_READERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(
    source: Path | bytes,
    wanted: Collection[str],
    optional: Collection[str] = (),
    most: int = MAX_ARRAY_BYTES,
    kinds: str = NUMBERS,
) -> dict[str, np.ndarray]:
    """Arrays of an npz by name; other members stay unread.

    Args:
        wanted: must be there.
        optional: read if they are there.
        most: bytes that one array may have in memory.
        kinds: NumPy's letters of the types that are accepted.

    Raises:
        DecodeError and the errors of `UNDECODABLE`.
    """
    if isinstance(source, Path):
        # Compression only makes files smaller; a few kilobytes are for the zip itself.
        check_file(source, (len(wanted) + len(optional)) * most + MIB)
    with zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise DecodeError(f"has more than {MAX_MEMBERS} members")
        by_name = {member.filename.removesuffix(".npy"): member for member in members}
        if len(by_name) != len(members):
            raise DecodeError("has two members of one name")
        missing = [name for name in wanted if name not in by_name]
        if missing:
            raise DecodeError(f"has no array {missing[0]!r}")
        return {
            name: _read_member(archive, by_name[name], most, kinds)
            for name in (*wanted, *optional)
            if name in by_name
        }


def read_npy(path: Path, most: int = MAX_ARRAY_BYTES, kinds: str = NUMBERS) -> np.ndarray:
    """The array of an npy file; arguments and errors as of `read_npz`."""
    size = check_file(path, most + MIB)
    with path.open("rb") as file:
        return _read_array(file, size, most, kinds, path.stem)


def check_safetensors(path: Path, most: int) -> dict[str, str]:
    """Hold the head of a safetensors file against the file itself; returns its metadata.

    Args:
        most: bytes that the file may have.
    """
    size = check_file(path, most)
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(MAX_TENSOR_HEADER_BYTES, size - 8):
            raise DecodeError("is damaged: its head is longer than the file or than any head is")
        head = decode_json(file.read(length), dict[str, dict[str, Any]])
    metadata = head.pop("__metadata__", {})
    if len(head) > MAX_TENSORS:
        raise DecodeError(f"has more than {MAX_TENSORS} tensors")
    return msgspec.convert(metadata, dict[str, str])


def damaged_tensors(error: Exception) -> DecodeError:
    """What the library of safetensors says of a file, as the decoder's own error."""
    return DecodeError(f"is damaged ({printable(str(error))[:200]})")


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, kinds: str
) -> np.ndarray:
    name = member.filename.removesuffix(".npy")
    if member.compress_type not in _STORED_OR_DEFLATED or member.flag_bits & 1:
        raise DecodeError(f"is packed in another way than NumPy's ({name!r})")
    with archive.open(member) as file:
        return _read_array(file, member.file_size, most, kinds, name)


def _read_array(file: IO[bytes], size: int, most: int, kinds: str, name: str) -> np.ndarray:
    """An array of a stream of `size` bytes, read only if it is what its head says."""
    version = npy.read_magic(file)
    if version not in _READERS:
        raise DecodeError(f"has an array of an unknown version ({name!r})")
    shape, is_fortran, dtype = _READERS[version](file)
    if dtype.kind not in kinds or dtype.hasobject or dtype.fields:
        raise DecodeError(f"has an array {name!r} of {dtype.name[:40]}, which is not read")
    if len(shape) > MAX_AXES or any(
        type(side) is not int or not 0 <= side < 2**40 for side in shape
    ):
        raise DecodeError(f"has an array {name!r} of an impossible shape")
    count = math.prod(shape)
    if count * dtype.itemsize > most:
        raise DecodeError(f"has an array {name!r} of more than {max(1, most // MIB)} MB")
    if count * dtype.itemsize > size:
        raise DecodeError(f"ends within the array {name!r}")
    data = file.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise DecodeError(f"ends within the array {name!r}")
    values = np.frombuffer(data, dtype)
    values = values.reshape(shape[::-1]).T if is_fortran else values.reshape(shape)
    return np.array(values, dtype.newbyteorder("="), order="C")
