"""Small safetensors files with a typed JSON header: how edits and statistics are kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from backend.unlearning.errors import UnlearningError
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.tensors import encode_tensors, read_tensors
from shared.decoding.text import decode_json
from shared.files import make_folder, write_whole

Header = TypeVar("Header", bound=msgspec.Struct)


def write_arrays(
    path: Path, kind: str, header: msgspec.Struct, arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a file that appears whole or not at all; `kind` is the key of its JSON header.

    Raises PlacidError `not_writable`.
    """
    payload = encode_tensors(arrays, {kind: msgspec.json.encode(header).decode()})
    make_folder(path.parent)
    write_whole(path, payload)


def read_arrays(
    path: Path, kind: str, header_type: type[Header]
) -> tuple[Header, dict[str, np.ndarray]]:
    """Read a file made by `write_arrays`; returns the header and its arrays by name.

    Raises UnlearningError when the file is absent, damaged, or of another kind.
    """
    remedy = "write it again with `backend unlearn`"
    with FileKind(f"a Placid {kind}", remedy, UnlearningError).reading(path):
        metadata, arrays = read_tensors(path)
        if kind not in metadata:
            raise DecodeError(f"holds no {kind}")
        return decode_json(metadata[kind].encode(), header_type), arrays
