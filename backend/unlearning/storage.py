"""Small safetensors files with a typed JSON header: how edits and statistics are kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import safetensors
import safetensors.torch
from torch import Tensor

from backend.unlearning.errors import UnlearningError
from shared.decoding.arrays import check_safetensors, damaged_tensors
from shared.decoding.errors import FileKind
from shared.decoding.limits import MIB
from shared.decoding.text import decode_json
from shared.files import make_folder, write_whole

Header = TypeVar("Header", bound=msgspec.Struct)

# An edit that holds whole networks, as retraining's does, is as large as they are.
_MAX_BYTES: Final = 2048 * MIB


def write_tensors(
    path: Path, kind: str, header: msgspec.Struct, tensors: Mapping[str, Tensor]
) -> None:
    """Write a file that appears whole or not at all; `kind` is the key of its JSON header.

    Raises PlacidError `not_writable`.
    """
    payload = safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        metadata={kind: msgspec.json.encode(header).decode()},
    )
    make_folder(path.parent)
    write_whole(path, payload)


def read_tensors(path: Path, kind: str, header_type: type[Header]) -> tuple[Header, dict]:
    """Read a file made by `write_tensors`; returns the header and a dict of CPU tensors.

    Raises UnlearningError when the file is absent, damaged, or of another kind.
    """
    what = f"a Placid {kind}"
    with FileKind(what, "write it again with `backend unlearn`", UnlearningError).reading(path):
        metadata = check_safetensors(path, _MAX_BYTES)
        if kind not in metadata:
            raise UnlearningError(
                f"{path} holds no {kind}: give a file written by `backend unlearn`"
            )
        header = decode_json(metadata[kind].encode(), header_type)
        try:
            with safetensors.safe_open(path, framework="pt", device="cpu") as file:
                return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except safetensors.SafetensorError as error:
            raise damaged_tensors(error) from error
