"""Tiny networks with the state-dict keys that the methods edit."""

import pytest
import torch
from torch import nn

TEXT_DIM = 24
WIDTH = 10
CODES = 32
CODE_DIM = 8


class _Codebook(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        self.register_buffer("codebook", torch.randn(CODES, CODE_DIM, generator=draw))


class _Tokeniser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quantizer = nn.Module()
        self.quantizer.layers = nn.ModuleList(_Codebook(seed) for seed in range(6))


class _Transformer(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.cond_emb = nn.Linear(TEXT_DIM, WIDTH)
            self.other = nn.Linear(WIDTH, WIDTH)


@pytest.fixture
def networks() -> dict[str, nn.Module]:
    return {"rvq": _Tokeniser(), "masked": _Transformer(1), "residual": _Transformer(2)}


@pytest.fixture
def snapshot():
    """A function that copies every tensor of a model, to compare bit for bit later."""

    def copy(networks: dict[str, nn.Module]) -> dict[str, torch.Tensor]:
        return {
            f"{name}:{key}": value.clone()
            for name, network in networks.items()
            for key, value in network.state_dict().items()
        }

    return copy
