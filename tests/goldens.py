"""Golden vectors: the rule that makes their weights, the rule of their inputs, the comparison.

``tests/golden/README.md`` states both rules and describes the arrays.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

FOLDER = Path(__file__).parent / "golden"
HALF_NORMAL = {
    "token_embed_weight",
    "token_embed_weight_",
    "output_proj_weight",
    "output_proj_weight_",
    "embed_proj_shared_weight",
    "hidden",
    "codebook",
}


def _random(label: str, seed: int) -> np.random.RandomState:
    return np.random.RandomState((zlib.crc32(label.encode()) + 7919 * seed) % 2**32)


def weight(key: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """The float32 value that weight rule wr1 gives to a state-dict key."""
    z = _random(key, seed).standard_normal(int(np.prod(shape))).reshape(shape)
    leaf = key.rsplit(".", 1)[-1]
    if leaf in HALF_NORMAL or key.endswith("token_emb.weight"):
        z = 0.5 * z
    elif len(shape) == 1 and leaf == "weight":
        z = 1 + 0.1 * z
    elif len(shape) >= 2 and leaf != "output_proj_bias":
        z = z / np.sqrt(np.prod(shape[1:]))
    else:
        z = 0.1 * z
    return z.astype(np.float32)


def weights(module: nn.Module, seed: int, prefix: str = "") -> dict[str, Tensor]:
    """A state dict for the module by rule wr1, in sorted order; computed tables stay."""
    own = module.state_dict()
    return {
        key: own[key]
        if key.endswith("position_enc.pe")
        else torch.from_numpy(weight(prefix + key, tuple(own[key].shape), seed))
        for key in sorted(own)
    }


def rnd(name: str, shape: tuple[int, ...], seed: int, scale: float = 1.0) -> Tensor:
    z = scale * _random("in:" + name, seed).standard_normal(shape)
    return torch.from_numpy(z.astype(np.float32))


def rndint(name: str, shape: tuple[int, ...], low: int, high: int, seed: int) -> Tensor:
    z = _random("in:" + name, seed).randint(low, high, size=shape)
    return torch.from_numpy(z.astype(np.int64))


def rnduni(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(_random("in:" + name, seed).random_sample(shape).astype(np.float32))


def text_embedding(prompt: str, seed: int) -> Tensor:
    z = 0.4 * _random("clip:" + prompt, seed).standard_normal(512)
    return torch.from_numpy(z.astype(np.float32))


def statistics(x: Tensor) -> np.ndarray:
    flat = x.detach().double().numpy().ravel()
    checksum = (flat * np.cos(0.37 * np.arange(flat.size))).sum()
    return np.array(
        [flat.mean(), flat.std(), np.abs(flat).mean(), flat.min(), flat.max(), checksum]
    )


class Golden:
    """One golden file: ``golden["name"]`` is an array as a tensor, ``check`` compares with it."""

    def __init__(self, name: str) -> None:
        spec = json.loads((FOLDER / f"golden_{name}.json").read_text(encoding="utf-8"))
        self.config = spec["config"]
        self.seed: int = spec["config"]["seed"]
        self.names = set(spec["arrays"])
        self._tolerance = {key: entry["tol"] for key, entry in spec["arrays"].items()}
        with np.load(FOLDER / f"golden_{name}.npz", allow_pickle=False) as arrays:
            self._arrays = {key: arrays[key] for key in self.names}

    def __getitem__(self, name: str) -> Tensor:
        return torch.from_numpy(self._arrays[name])

    def array(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def strings(self, name: str) -> list[str]:
        return self._arrays[name].tolist()

    def check(
        self, name: str, value: Tensor | np.ndarray | float | int, rounding: float = 0.0
    ) -> None:
        """Compare within the tolerance that the file states for this array.

        `rounding` is added to it for differences of large numbers, which are no more exact than
        the last places of those numbers; they fall elsewhere on every processor.
        """
        wanted = self._arrays[name]
        if isinstance(value, Tensor):
            value = value.detach().numpy()
        got = np.asarray(value)
        assert got.shape == wanted.shape, name
        rule = self._tolerance[name]
        if rule == "exact":
            np.testing.assert_array_equal(got, wanted, err_msg=name)
        else:
            # "rtol 1e-4 atol 1e-4", either alone, or behind the precision they are meant for.
            words = rule.rpartition(": ")[2].split()
            limits = dict(zip(words[::2], map(float, words[1::2]), strict=True))
            np.testing.assert_allclose(
                got.astype(np.float64),
                wanted.astype(np.float64),
                rtol=limits.get("rtol", 0.0),
                atol=limits.get("atol", 0.0) + rounding,
                err_msg=name,
            )

    def check_statistics(self, name: str, x: Tensor) -> None:
        """Compare [mean, std, mean|x|, min, max, checksum] of a large tensor."""
        wanted, got = self._arrays[name], statistics(x)
        np.testing.assert_allclose(got[:5], wanted[:5], rtol=1e-3, err_msg=name)
        np.testing.assert_allclose(
            got[5:], wanted[5:], rtol=0, atol=1e-3 * wanted[1] * np.sqrt(x.numel()), err_msg=name
        )
