"""Strict loading of a state dict."""

from collections.abc import Collection, Mapping

from torch import Tensor, nn


def load_strict(
    module: nn.Module, state: Mapping[str, Tensor], computed: Collection[str] = ()
) -> None:
    """Copy a state dict into a module whose tensors it must match exactly.

    ``computed`` names tensors that the module fills itself, such as a table of sinusoids: they may
    be absent. Raises ValueError with every missing, unexpected and misshapen tensor, and changes
    nothing then.
    """
    own = module.state_dict()
    problems = [f"missing {key} {tuple(own[key].shape)}" for key in own if key not in state]
    problems = [p for p in problems if p.split()[1] not in computed]
    problems += [f"unexpected {key} {tuple(state[key].shape)}" for key in state if key not in own]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, wanted {tuple(own[key].shape)}"
        for key in state
        if key in own and state[key].shape != own[key].shape
    ]
    if problems:
        raise ValueError(
            f"The weights do not fit {type(module).__name__}: {'; '.join(problems)}. "
            "Check that the file belongs to this network and has the configured sizes."
        )
    module.load_state_dict(dict(state), strict=not computed)
