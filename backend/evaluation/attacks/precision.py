"""The edited weights rounded: what survives half precision and eight bits?

A small change of weights may be rounded away, and with it what was unlearned ("catastrophic failure
of unlearning by quantisation", Zhang et al., 2024, saw it in language models).
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import Target
from backend.unlearning.weights import rounded

_LEVELS: Final = 127


def to_int8(values: np.ndarray) -> np.ndarray:
    """Values after a stay in eight bits: a scale for each row of the first axis, to nearest."""
    rows = values.reshape(len(values), -1)
    scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12) / _LEVELS
    kept: np.ndarray = (np.round(rows / scale) * scale).reshape(values.shape)
    return kept.astype(np.float32)


_ROUNDED: Final[dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "float16": lambda values: rounded(values, "float16"),
    "bfloat16": lambda values: rounded(values, "bfloat16"),
    "int8": lambda values: to_int8(values) if values.ndim > 1 else values,
}


@register_attack("precision", "all weights of the networks in half precision, and in eight bits")
def precision(target: Target) -> Iterator[Trial]:
    """A trial for float16, bfloat16 and int8, where vectors such as biases stay as they are."""
    for kind in _ROUNDED:
        target.apply()
        changes = {}
        for name, network in target.networks.items():
            for key in list(network.keys()):
                values = network.read(key)
                changes[name, key] = _ROUNDED[kind](values)
        with target.changed(changes):
            yield Trial(kind, target.motions())
