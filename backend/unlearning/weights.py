"""The weights of a model as named arrays: all that an edit sees of a network.

Whatever computes a network also reads and replaces its arrays (`NamedArrays`): `ArrayNetwork` for
plain arrays, and the networks of every engine (`backend.engines`).
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, Protocol

import numpy as np

from backend.unlearning.errors import UnlearningError

NetworkName = Literal["rvq", "masked", "residual", "bamm"]
Precision = Literal["float32", "float16", "bfloat16"]
# A network may run in any of these. A copy of the right base in half precision must not be taken
# for a foreign one, so an edit carries the base's hash after rounding to each.
PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "float16", "bfloat16")


class NamedArrays(Protocol):
    """A network whose arrays can be read and replaced, by state-dict key.

    Both speak float32 whatever the network computes in: what `read` gave, `write` puts back bit
    for bit.
    """

    def read(self, key: str) -> np.ndarray:
        """A copy of an array as it is now. Raises KeyError for no such."""
        ...

    def write(self, key: str, values: np.ndarray) -> None:
        """Replace all values of an array, rounded to what the network computes in."""
        ...


EditableNetworks = Mapping[str, NamedArrays]


class ArrayNetwork:
    """A network as a dictionary of float32 or float16 arrays, which are written to in place."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays

    def read(self, key: str) -> np.ndarray:
        """A float32 copy. Raises KeyError for no such."""
        return self._arrays[key].astype(np.float32)

    def write(self, key: str, values: np.ndarray) -> None:
        """Replace all values, rounded to the array's precision."""
        self._arrays[key][...] = values


def read_array(networks: EditableNetworks, network: str, key: str) -> np.ndarray:
    """A float32 copy of an array as it is now.

    Raises UnlearningError when the model has no such network or the network no such array.
    """
    if network not in networks:
        raise no_network(network, networks)
    try:
        return networks[network].read(key)
    except KeyError:
        raise no_array(network, key) from None


def no_network(network: str, known: Mapping[str, object]) -> UnlearningError:
    """The error for a network that the model does not have."""
    return UnlearningError(
        f"the edit touches the network {network!r} but this model has "
        f"{', '.join(sorted(known))}: fit it again for this model"
    )


def no_array(network: str, key: str) -> UnlearningError:
    """The error for an array that the network does not have."""
    return UnlearningError(
        f"the network {network!r} has no tensor {key!r}: the edit belongs to another "
        "architecture, fit it again for this model"
    )


def rounded(values: np.ndarray, precision: Precision) -> np.ndarray:
    """Float32 values as they are after a stay in a precision (to nearest, ties to even)."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if precision == "float32":
        return values
    if precision == "float16":
        with np.errstate(over="ignore"):
            return values.astype(np.float16).astype(np.float32)
    bits = values.view(np.uint32)
    kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(values), values, kept.view(np.float32))


def array_hash(arrays: Mapping[str, np.ndarray], precision: Precision = "float32") -> str:
    """A 128-bit content hash (32 hex digits) of named arrays, rounded to `precision`.

    Names, shapes and the float32 bytes of the rounded values enter; the order does not.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        values = rounded(arrays[name], precision).astype("<f4", copy=False)
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
