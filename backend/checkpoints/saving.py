"""Writing networks in Placid's own format; see `backend.checkpoints.loading`."""

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
from shared.files import make_folder, sha256, write_whole


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
    make_folder(folder)
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
        write_whole(file, encode_tensors(state, {}))
        config: Any = network.config
        entries[name] = NetworkRecord(asdict(config), file.name, sha256(file))
    record = Record(FORMAT_VERSION, encoder, entries, provenance, guidance, features)
    write_whole(folder / CONFIG_FILE, msgspec.json.format(msgspec.json.encode(record), indent=2))
