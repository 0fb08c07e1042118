"""Placid's samplers against plain ones at the official sizes: seconds, ratios, and equal tokens.

Times are of float32. Tokens are compared in float64 too, where no draw hangs on a rounding error.

    python benchmarks/generation.py [--batches 1 32] [--rounds 5] [--models momask bamm]

Weights are random: what is computed does not depend on them, except for BAMM's lengths, which
vary as those of real prompts do.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from plain_samplers import PlainBAMM, PlainMoMask
from torch import Tensor
from tqdm import tqdm

from backend.engines.torch_engine import TorchEngine
from backend.generation.samplers.bamm import BAMMSampler
from backend.generation.samplers.masked import MaskedSampler
from backend.generation.samplers.noise import SeededNoise
from backend.generation.samplers.residual import ResidualSampler
from backend.generation.sampling import PUBLISHED_BAMM, Sampling
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, MaskedConfig, ResidualConfig
from backend.models.loading import ready
from backend.models.masked import MaskTransformer
from backend.models.reference_quirks import CORRECTED
from backend.models.residual import ResidualTransformer

SAMPLING = Sampling()
TOKENS = 49
WARM_UPS = 1  # of batches of one; a large batch runs long enough to warm itself

Sampler = Callable[[], Tensor]


def momask(batch: int, dtype: torch.dtype = torch.float32) -> tuple[Sampler, Sampler]:
    """Placid's and the plain way to tokens (batch, 49, 6) of MoMask, prompts to all layers."""
    torch.manual_seed(0)
    masked = MaskTransformer(MaskedConfig()).to(dtype)
    residual = ResidualTransformer(ResidualConfig()).to(dtype)
    plain = PlainMoMask(deepcopy(masked).eval(), deepcopy(residual).eval())
    engine = TorchEngine("cpu")
    base_sampler = MaskedSampler(engine.wrap("masked", ready(masked), CORRECTED))
    detail_sampler = ResidualSampler(engine.wrap("residual", ready(residual), CORRECTED))
    text = torch.randn(batch, 512).to(dtype)
    lengths = torch.randint(TOKENS // 2, TOKENS + 1, (batch,))
    lengths[0] = TOKENS

    def ours() -> Tensor:
        noise, inputs = SeededNoise(range(batch)), (text.numpy(), lengths.numpy())
        base = base_sampler.generate(*inputs, noise=noise, sampling=SAMPLING)
        tokens = detail_sampler.generate(base, *inputs, noise=noise, sampling=SAMPLING.of_residuals)
        return torch.from_numpy(tokens)

    def theirs() -> Tensor:
        noise = SeededNoise(range(batch))
        base = plain.base(text, lengths, noise, SAMPLING.steps, SAMPLING.guidance)
        return plain.all_layers(base, text, lengths, noise, SAMPLING.residual_guidance)

    return ours, theirs


def bamm(batch: int, dtype: torch.dtype = torch.float32) -> tuple[Sampler, Sampler]:
    """Placid's and the plain way to base tokens of BAMM with predicted lengths."""
    torch.manual_seed(0)
    network = BAMM(BAMMConfig()).to(dtype)
    # The end becomes as likely as in motions of about 25 tokens.
    with torch.no_grad():
        network.output_process.poseFinal.bias[network.end_id] += 3.0
    plain = PlainBAMM(deepcopy(network).eval())
    sampler = BAMMSampler(TorchEngine("cpu").wrap("bamm", ready(network), CORRECTED))
    text = torch.randn(batch, 512).to(dtype)

    def ours() -> Tensor:
        noise = SeededNoise(range(batch))
        tokens, _ = sampler.generate(text.numpy(), None, noise=noise)
        return torch.from_numpy(tokens)

    def theirs() -> Tensor:
        return plain.generate(text, SeededNoise(range(batch)), PUBLISHED_BAMM.guidance)[0]

    return ours, theirs


MODELS = {"momask": momask, "bamm": bamm}


@torch.no_grad()
def compare(model: str, batch: int, rounds: int) -> str:
    """One row of the table; the two take turns, so that a slow moment hits both."""
    ways = dict(zip(("placid", "plain"), MODELS[model](batch), strict=True))
    warm_ups = WARM_UPS if batch == 1 else 0
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    tokens: dict[str, Tensor] = {}
    for turn in tqdm(range(warm_ups + rounds), desc=f"{model} x {batch}", leave=False):
        for name, way in ways.items():
            start = time.perf_counter()
            tokens[name] = way()
            if turn >= warm_ups:
                seconds[name].append(time.perf_counter() - start)
    placid, plain = (statistics.median(seconds[name]) for name in ways)
    equal = compared(tokens["placid"], tokens["plain"])
    exact = compared(*(way() for way in MODELS[model](batch, torch.float64)))
    row = f"| {model} | {batch} | {plain:.3f} | {placid:.3f} | {plain / placid:.1f} |"
    return f"{row} {equal} | {exact} |"


def compared(a: Tensor, b: Tensor) -> str:
    """Whether two sets of tokens are the same, in words."""
    same = a == b
    return "identical" if same.all() else f"{(~same).sum()} of {same.numel()} differ"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, float32")
    print("| model | batch | plain, s | Placid, s | ratio | tokens | tokens in float64 |")
    print("|---|---:|---:|---:|---:|---|---|")
    for model in options.models:
        for batch in options.batches:
            print(compare(model, batch, options.rounds), flush=True)


if __name__ == "__main__":
    main()
