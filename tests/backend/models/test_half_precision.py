"""Half precision, which CUDA devices use: close to float32, here on the processor in bfloat16."""

import numpy as np
import pytest
import torch

from backend.checkpoints.loading import EMBEDDED, load_checkpoint
from backend.engines import torch_engine
from backend.generation.generator import Generator
from shared.protocol.messages import Generate

TOKENS = 30


def bfloat16(device="cpu"):
    return torch.autocast("cpu", torch.bfloat16)


@pytest.fixture(scope="module")
def networks():
    return {name: network.module for name, network in load_checkpoint(EMBEDDED).networks.items()}


@torch.no_grad()
@pytest.mark.parametrize("name", ["masked", "residual", "bamm"])
def test_logits_are_close_to_those_in_float32(networks, name):
    network = networks[name]
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(network.config.codes, (2, TOKENS), generator=generator)
    text = torch.nn.functional.normalize(
        torch.randn(2, network.config.text_dim, generator=generator), dim=1
    )
    lengths = torch.tensor([TOKENS, TOKENS - 7])
    inputs = {
        "masked": (ids, text, lengths),
        "residual": (
            torch.randn(2, TOKENS, network.config.code_dim, generator=generator),
            torch.tensor([1, 3]),
            text,
            lengths,
        ),
        "bamm": (ids, text),
    }[name]
    exact = network(*inputs)
    with bfloat16():
        close = network(*inputs).float()
    assert (close - exact).norm() < 0.02 * exact.norm()
    assert not torch.equal(close, exact)


@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_a_motion_in_half_precision_goes_where_that_in_float32_goes(model, monkeypatch):
    request = Generate("a person walks forward", 3.0, seed=4, model=model)
    generator = Generator(device="cpu")
    [exact] = generator.generate(request)
    monkeypatch.setattr(torch_engine, "half_precision", bfloat16)
    [close] = generator.generate(request)
    assert close.joints.shape == exact.joints.shape
    ends = [motion.joints[-1, 0] - motion.joints[0, 0] for motion in (exact, close)]
    assert np.linalg.norm(ends[0][[0, 2]]) > 0.5
    assert np.linalg.norm((ends[1] - ends[0])[[0, 2]]) < 0.5 * np.linalg.norm(ends[0][[0, 2]])
