"""Random numbers of the samplers: uniforms and the Gumbel noise made from them."""

import torch
from torch import Tensor

LOG_FLOOR = 1e-20


def gumbel(uniforms: Tensor) -> Tensor:
    """Standard Gumbel noise -log(-log u); both logarithms are kept off zero."""
    inner = -torch.log(uniforms.clamp(min=LOG_FLOOR))
    return -torch.log(inner.clamp(min=LOG_FLOOR))
