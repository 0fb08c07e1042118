"""Networks with the golden weights, by either engine, and noise that was recorded elsewhere."""

from collections.abc import Iterable

import numpy as np
from goldens import weights

from backend.engines.numpy_engine.engine import NumpyEngine
from backend.engines.torch_engine import COMPUTED, TorchEngine, make_module
from backend.models.reference_quirks import CORRECTED

ENGINES = ("torch", "numpy")


def build(engine, kind, config, seed, quirks=CORRECTED, changes=None):
    """A network whose weights follow rule wr1; `changes` maps keys to functions of a tensor."""
    state = {
        key: tensor.numpy().copy()
        for key, tensor in weights(make_module(kind, config), seed).items()
        if key not in COMPUTED
    }
    for key, change in (changes or {}).items():
        state[key] = change(state[key])
    made = TorchEngine("cpu") if engine == "torch" else NumpyEngine()
    return made.build(kind, config, state, quirks)


class RecordedNoise:
    """Uniforms recorded elsewhere, one (b, width, classes) array per draw, in call order."""

    def __init__(self, draws: Iterable) -> None:
        self._draws = iter(draws)

    def uniforms(self, counts, width, classes):
        drawn = np.asarray(next(self._draws))
        assert drawn.shape == (len(counts), width, classes)
        return drawn
