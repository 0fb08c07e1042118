"""Which device the networks run on."""

import contextlib

import torch

from shared.errors import PlacidError


def choose_device(wanted: str | None = None) -> str:
    """The wanted device, or the best there is: CUDA, then MPS, then CPU.

    Raises:
        PlacidError: `unknown_device` when the wanted device is not there.
    """
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if wanted is None:
        return available[0]
    if wanted.split(":")[0] not in available:
        raise PlacidError(
            "unknown_device",
            f"there is no device {wanted!r} here; choose one of: {', '.join(available)}",
        )
    return wanted


def half_precision(device: str) -> contextlib.AbstractContextManager[object]:
    """Products in half precision where they are faster for sure, on CUDA; float32 elsewhere."""
    if not device.startswith("cuda"):
        return contextlib.nullcontext()
    kind = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.autocast("cuda", kind)
