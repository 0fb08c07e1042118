"""Small safetensors files with a typed JSON header: how edits and statistics are kept."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import safetensors
import safetensors.torch
from torch import Tensor

from backend.unlearning.errors import UnlearningError

Header = TypeVar("Header", bound=msgspec.Struct)


def write_tensors(
    path: Path, kind: str, header: msgspec.Struct, tensors: Mapping[str, Tensor]
) -> None:
    """Write a file that appears whole or not at all; `kind` is the key of its JSON header."""
    payload = safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        metadata={kind: msgspec.json.encode(header).decode()},
    )
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
        os.chmod(partial, 0o644)  # mkstemp keeps files to their owner; edits are passed on
        os.replace(partial, path)
    except OSError as error:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)
        raise UnlearningError(
            f"cannot write {path} ({error.strerror}): choose a folder you may write to"
        ) from None


def read_tensors(path: Path, kind: str, header_type: type[Header]) -> tuple[Header, dict]:
    """Read a file made by `write_tensors`; returns the header and a dict of CPU tensors.

    Raises UnlearningError when the file is absent, damaged, or of another kind.
    """
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if kind not in metadata:
                raise UnlearningError(
                    f"{path} holds no {kind}: give a file written by `backend unlearn`"
                )
            header = msgspec.json.decode(metadata[kind], type=header_type)
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise UnlearningError(f"{path} does not exist: check the path") from None
    except (OSError, safetensors.SafetensorError, msgspec.MsgspecError) as error:
        raise UnlearningError(
            f"{path} is damaged or not a Placid {kind} ({error}): write it again with "
            "`backend unlearn`"
        ) from error
