"""Products of rows with weight matrices, laid out for the processor that is to read them.

A matrix is put into oneDNN's own order once, instead of at every product; for the hundred rows of
one prompt that makes a product about 1.4 times as fast. PyTorch's compiler uses the same operators
when it freezes a network; they are private, and where a PyTorch has them not, products are plain.
"""

from functools import cache
from typing import Any, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The number of rows that the order of a packed matrix is chosen for; any number may follow.
_ROWS = 100
_OPERATORS: Final = ("_reorder_linear_weight", "_linear_pointwise")


class PrepackedWeight:
    """A weight matrix in the processor's order; made when first needed, and anew after a change."""

    def __init__(self) -> None:
        self._source: tuple[int, int] | None = None
        self._packed: Any = None

    def of(self, weight: Tensor) -> Any:
        """The packed values of weight (outputs, inputs) as they are now."""
        source = weight.data_ptr(), weight._version
        if source != self._source:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _ROWS)
            self._source = source
        return self._packed

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)()  # the copy's weights go their own way


def product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    packed: PrepackedWeight | None = None,
    *,
    gelu: bool = False,
    plus: Tensor | None = None,
) -> Tensor:
    """x (..., inputs) times weight (outputs, inputs), plus bias: (..., outputs).

    ``gelu`` applies GELU to that, ``plus`` (..., outputs) is added to it; at most one of them.
    With ``packed``, and where no gradient is asked for, the product is taken from there.
    """
    if packed is None or not _is_packable(x, weight):
        y = F.linear(x, weight, bias)
        y = F.gelu(y) if gelu else y
        return y if plus is None else plus + y
    operators, matrix = torch.ops.mkldnn._linear_pointwise, packed.of(weight)
    if plus is not None:
        return operators.binary(x, plus, matrix, bias, "add")
    return operators(x, matrix, bias, *(("gelu", [], "none") if gelu else ("none", [], "")))


def _is_packable(x: Tensor, weight: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not (torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad))
        and _has_operators()
    )


@cache
def _has_operators() -> bool:
    """Whether this PyTorch has oneDNN, and offers what matrices are packed with."""
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name) for name in _OPERATORS
    )


class Linear(nn.Linear):
    """A linear layer that `loading.ready` makes faster; names and values are `nn.Linear`'s."""

    packed: PrepackedWeight | None = None

    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.weight, self.bias, self.packed)

    def gelu(self, x: Tensor) -> Tensor:
        """GELU of the layer's result."""
        return product(x, self.weight, self.bias, self.packed, gelu=True)

    def added_to(self, rows: Tensor, x: Tensor) -> Tensor:
        """rows (..., outputs) plus the layer's result for x (..., inputs)."""
        return product(x, self.weight, self.bias, self.packed, plus=rows)
