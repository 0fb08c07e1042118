"""Strict loading of a state dict."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from torch import Tensor, nn

from .products import Linear, PrepackedWeight
from .transformer import SelfAttention

Network = TypeVar("Network", bound=nn.Module)


def ready(network: Network) -> Network:
    """The network in evaluation mode, without gradients, its large matrices packed for use.

    Packing keeps a copy of the matrices; parameters, and what is saved of them, stay the same.
    """
    for module in network.modules():
        if isinstance(module, Linear | SelfAttention):
            module.packed = PrepackedWeight()
    return network.eval().requires_grad_(False)


def mismatches(
    module: nn.Module, state: Mapping[str, Tensor], computed: Collection[str] = ()
) -> list[str]:
    """Every missing, unexpected and misshapen tensor of a state dict, in words.

    ``computed`` names tensors that the module fills itself, such as a table of sinusoids: they may
    be absent. The module may be on the meta device: only shapes are compared.
    """
    own = module.state_dict()
    problems = [
        f"missing {key} {tuple(own[key].shape)}"
        for key in own
        if key not in state and key not in computed
    ]
    problems += [f"unexpected {key} {tuple(state[key].shape)}" for key in state if key not in own]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, wanted {tuple(own[key].shape)}"
        for key in state
        if key in own and state[key].shape != own[key].shape
    ]
    return problems


def load_strict(
    module: nn.Module, state: Mapping[str, Tensor], computed: Collection[str] = ()
) -> None:
    """Copy a state dict into a module whose tensors it must match exactly; see ``mismatches``.

    Raises ValueError with everything that does not match, and changes nothing then.
    """
    problems = mismatches(module, state, computed)
    if problems:
        raise ValueError(
            f"The weights do not fit {type(module).__name__}: {'; '.join(problems)}. "
            "Check that the file belongs to this network and has the configured sizes."
        )
    module.load_state_dict(dict(state), strict=not computed)
