"""Published `.tar` files: pickles by format, read without running anything that they hold."""

import re
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shared.decoding.errors import DecodeError
from shared.errors import PlacidError

# Some files carry the text encoder, which Placid reads from CLIP's own files.
_TEXT_ENCODER = "clip_model."


def unusable(path: Path, problem: object) -> PlacidError:
    """The error for a file of weights that cannot be used."""
    return PlacidError(
        "damaged_checkpoint",
        f"{path} cannot be used ({problem}); unpack the official release there once more",
    )


def open_weights(path: Path) -> dict[str, Any]:
    """The top level of a file: state dicts by name, and what was stored beside them.

    Tensors stay on the disk until they are read.

    Raises:
        PlacidError: `damaged_checkpoint` when the file is damaged, or holds anything but tensors
            and plain values.
    """
    try:
        return read_weights(path)
    except DecodeError as error:
        raise unusable(path, error.problem) from error


def read_weights(path: Path) -> dict[str, Any]:
    """`open_weights` for a file that is in no folder of a release.

    Raises:
        DecodeError: with what is wrong.
    """
    try:
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    # Damage shows as whatever the unpickler stumbles over. Torch's own text is not passed on: it
    # suggests to load the file unsafely.
    except Exception as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        if asked:
            problem = f"it asks for the code {asked[1]}, and Placid runs no code from files"
        else:
            problem = "it is damaged or no PyTorch file"
        raise DecodeError(problem) from error
    if not isinstance(content, dict):
        raise DecodeError(f"it holds a {type(content).__name__} instead of named state dicts")
    return content


def state_dict(content: Mapping[str, Any], names: Collection[str], path: Path) -> dict[str, Tensor]:
    """The state dict that stands under one of the names, in single precision, without CLIP.

    Raises:
        PlacidError: `damaged_checkpoint` when there is none.
    """
    found = next((content[name] for name in names if name in content), None)
    if not isinstance(found, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in found.items()
    ):
        raise unusable(path, f"it has no state dict named {' or '.join(names)}")
    return {key: value.float() for key, value in found.items() if not key.startswith(_TEXT_ENCODER)}
