"""Finding and fingerprinting the tensors that an edit touches."""

import hashlib
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from backend.unlearning.errors import UnlearningError

NetworkName = Literal["rvq", "masked", "residual", "bamm"]
Networks = Mapping[str, nn.Module]


def tensor_hash(tensors: Mapping[str, Tensor], precision: torch.dtype = torch.float32) -> str:
    """A 128-bit content hash (32 hex digits) of named tensors, rounded to `precision`.

    Names, shapes and the float32 bytes of the rounded values enter; the order does not.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].detach()
        values = tensor.to(precision).float().cpu().contiguous().numpy().astype("<f4", copy=False)
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def find_tensor(networks: Networks, network: str, key: str) -> Tensor:
    """The live parameter or buffer behind a state-dict key.

    Raises UnlearningError when the model has no such network or the network no such tensor.
    """
    if network not in networks:
        raise UnlearningError(
            f"the edit touches the network {network!r} but this model has "
            f"{', '.join(sorted(networks))}: fit it again for this model"
        )
    module_path, _, leaf = key.rpartition(".")
    try:
        tensor = getattr(networks[network].get_submodule(module_path), leaf)
    except AttributeError:
        tensor = None
    if not isinstance(tensor, Tensor):
        raise UnlearningError(
            f"the network {network!r} has no tensor {key!r}: the edit belongs to another "
            "architecture, fit it again for this model"
        )
    return tensor
