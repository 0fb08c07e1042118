"""Writing networks in Placid's own format; see `backend.checkpoints.loading`."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from backend.checkpoints.loading import (
    CONFIG_FILE,
    FORMAT_VERSION,
    MEAN,
    STD,
    NetworkRecord,
    Record,
)
from backend.engines.torch_engine import COMPUTED
from backend.motion.features import Convention
from shared.decoding.tensors import encode_tensors


def save_checkpoint(
    folder: Path,
    networks: Mapping[str, nn.Module],
    mean: np.ndarray,
    std: np.ndarray,
    encoder: str,
    provenance: dict[str, Any],
    precision: torch.dtype = torch.float16,
    guidance: float | None = None,
    features: Convention = "humanml3d",
) -> None:
    """Write networks in Placid's own format, by default in half precision.

    For `guidance` and `features` see `Checkpoint`.
    The codebooks and statistics stay in single precision: they are small, and LCR replaces
    codebook rows exactly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, network in networks.items():
        state = {
            key: (value if key.endswith("codebook") else value.to(precision)).cpu().numpy()
            for key, value in network.state_dict().items()
            if key not in COMPUTED
        }
        if name == "rvq":
            state[MEAN], state[STD] = mean, std
        file = folder / f"{name}.safetensors"
        partial = file.with_suffix(".partial")
        partial.write_bytes(encode_tensors(state, {}))
        os.replace(partial, file)
        config: Any = network.config
        entries[name] = NetworkRecord(asdict(config), file.name, sha256(file))
    record = Record(FORMAT_VERSION, encoder, entries, provenance, guidance, features)
    partial = folder / "config.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2))
    os.replace(partial, folder / CONFIG_FILE)
