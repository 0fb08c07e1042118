"""The numpy engine: builds the networks of a checkpoint."""

import contextlib
import ctypes
import sys
from collections.abc import Mapping
from typing import Any, Final

from backend.engines.numpy_engine.autoencoder import NumpyAutoencoder
from backend.engines.numpy_engine.bamm import NumpyBAMM
from backend.engines.numpy_engine.tokens import NumpyLength, NumpyMasked, NumpyResidual
from backend.engines.protocol import Array, Network

_KINDS: Final[dict[str, Any]] = {
    "rvq": NumpyAutoencoder,
    "masked": NumpyMasked,
    "residual": NumpyResidual,
    "length": NumpyLength,
    "bamm": NumpyBAMM,
}


class NumpyEngine:
    """Computes on the processor with numpy alone; an `Engine`."""

    name = "numpy"
    device = "cpu"
    batch = 16

    def build(self, kind: str, config: Any, state: Mapping[str, Array], quirks: Any) -> Network:
        network: Network = _KINDS[kind](config, state, quirks)
        return network

    def free(self) -> None:
        # glibc keeps what was freed for the next time; there may be none for hours.
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(0)
