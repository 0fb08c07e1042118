"""Mixed precision for training: half the bits where matrix products take the time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 products with float32 weights; on processors without them, float32 throughout.

    On a processor with matrix tiles for bfloat16 (AMX) a step takes about half the time, with the
    vector instructions alone a convolution's two thirds; without either bfloat16 would be emulated,
    and slower than float32.
    """
    if device.type == "cuda":
        worth_it = torch.cuda.is_bf16_supported()
    else:
        able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        worth_it = bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=worth_it)


@contextmanager
def fast_attention(device: torch.device) -> Iterator[None]:
    """The fastest way back through attention over the few tokens of a motion.

    On a processor the fused kernel's backward pass takes several times as long as the plain one.
    """
    if device.type == "cpu":
        with sdpa_kernel(SDPBackend.MATH):
            yield
    else:
        yield
