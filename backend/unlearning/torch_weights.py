"""Torch modules as `NamedArrays`, and their tensors for the methods that fit with torch."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from backend.unlearning.weights import no_array, no_network

Networks = Mapping[str, nn.Module]


class TorchNetwork:
    """The parameters and buffers of a torch module; see `NamedArrays`."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def read(self, key: str) -> np.ndarray:
        """A float32 copy. Raises KeyError for no such."""
        return to_array(self.tensor(key)).copy()

    def write(self, key: str, values: np.ndarray) -> None:
        """Replace all values, rounded to the tensor's precision."""
        # In place: layers keep what they derived from a weight until its version changes.
        with torch.no_grad():
            self.tensor(key).copy_(torch.from_numpy(values))

    def tensor(self, key: str) -> Tensor:
        """The live parameter or buffer. Raises KeyError for no such."""
        module_path, _, leaf = key.rpartition(".")
        try:
            tensor = getattr(self._module.get_submodule(module_path), leaf)
        except AttributeError:
            tensor = None
        if not isinstance(tensor, Tensor):
            raise KeyError(key)
        return tensor


def editable(networks: Networks) -> dict[str, TorchNetwork]:
    """The modules of a model as edits see them."""
    return {name: TorchNetwork(module) for name, module in networks.items()}


def to_array(tensor: Tensor) -> np.ndarray:
    """Float32 values on the CPU; may share memory with a tensor that is float32 already."""
    return tensor.detach().float().cpu().contiguous().numpy()


def find_tensor(networks: Networks, network: str, key: str) -> Tensor:
    """The live parameter or buffer behind a state-dict key.

    Raises UnlearningError when the model has no such network or the network no such tensor.
    """
    if network not in networks:
        raise no_network(network, networks)
    try:
        return TorchNetwork(networks[network]).tensor(key)
    except KeyError:
        raise no_array(network, key) from None
