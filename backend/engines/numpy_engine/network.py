"""What numpy networks have in common: named tensors, widened when they are loaded."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backend.engines.numpy_engine import functional as f
from backend.engines.protocol import Array


class NumpyNetwork:
    """Tensors by their state-dict key, all float32, and what is made of them once.

    Subclasses say in `shapes` which tensors they have.

    Raises ValueError with everything that does not match.
    """

    def __init__(self, config: Any, state: Mapping[str, Array]) -> None:
        self._config = config
        problems = mismatches(self.shapes(config), state)
        if problems:
            raise ValueError(
                f"The weights do not fit {type(self).__name__}: {'; '.join(problems)}. "
                "Check that the file belongs to this network and has the configured sizes."
            )
        self._tensors = {
            key: np.array(state[key], dtype=np.float32, order="C") for key in self.shapes(config)
        }
        self._made: dict[str, Array] = {}

    @staticmethod
    def shapes(config: Any) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor of a network of this size."""
        raise NotImplementedError

    @property
    def config(self) -> Any:
        return self._config

    def keys(self) -> list[str]:
        return list(self._tensors)

    def read(self, key: str) -> Array:
        return self._tensors[key].copy()

    def write(self, key: str, values: Array) -> None:
        self._tensors[key][...] = values
        self._made.clear()

    def _once(self, name: str, make: Callable[[], Array]) -> Array:
        """What `make` gives, until a tensor changes."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _linear(self, name: str, x: Array) -> Array:
        return f.linear(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def _norm(self, name: str, x: Array, eps: float = f.LAYER_NORM_EPS) -> Array:
        return f.layer_norm(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"], eps)


def mismatches(wanted: Mapping[str, tuple[int, ...]], state: Mapping[str, Array]) -> list[str]:
    """Every missing, unexpected and misshapen tensor of a state dict, in words."""
    problems = [f"missing {key} {wanted[key]}" for key in wanted if key not in state]
    problems += [f"unexpected {key} {state[key].shape}" for key in state if key not in wanted]
    problems += [
        f"{key} has shape {state[key].shape}, wanted {wanted[key]}"
        for key in wanted
        if key in state and state[key].shape != wanted[key]
    ]
    return problems


def linear_shapes(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a linear layer."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm_shapes(name: str, features: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a layer norm."""
    return {f"{name}.weight": (features,), f"{name}.bias": (features,)}
