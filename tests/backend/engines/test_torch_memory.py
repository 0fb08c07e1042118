"""A lack of memory is one kind of error, wherever torch computes."""

import pytest
import torch

from backend.engines.torch_engine import computing

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:114] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 800000000000 bytes."
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    ],
    ids=str,
)
def test_a_lack_of_memory_is_a_memory_error(error: RuntimeError) -> None:
    with pytest.raises(MemoryError), computing(CPU):
        raise error


def test_a_real_lack_of_memory_is_a_memory_error() -> None:
    with pytest.raises(MemoryError), computing(CPU):
        torch.empty(2**50)


def test_every_other_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"), computing(CPU):
        raise RuntimeError("size mismatch")
