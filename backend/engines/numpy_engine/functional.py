"""The few functions that the networks consist of, on float32 arrays whose last axis is features."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from backend.engines.protocol import Array

LAYER_NORM_EPS: Final = 1e-5
# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: erf to 1.5e-7.
_ERF_P: Final = np.float32(0.3275911)
_ERF: Final = tuple(
    np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
)
_HALF: Final = np.float32(0.5)
_ROOT_HALF: Final = np.float32(np.sqrt(0.5))
_TRIALS: Final = 3


def by_matmul(x: Array, weight: Array) -> Array:
    """x (rows, inputs) times weight (outputs, inputs) by numpy's matrix product."""
    return x @ weight.T


def by_einsum(x: Array, weight: Array) -> Array:
    """The same by a sum over the inputs."""
    return np.einsum("ik,jk->ij", x, weight)


def _seconds(product: Callable[[Array, Array], Array], x: Array, weight: Array) -> float:
    best = np.inf
    for _ in range(_TRIALS):
        start = time.perf_counter()
        product(x, weight)
        best = min(best, time.perf_counter() - start)
    return best


def is_matmul_fast(rows: int) -> bool:
    """Whether numpy's matrix product is the faster one here for so many rows.

    Blender's own numpy is built without BLAS; there `einsum`, which runs along contiguous rows with
    the processor's vector instructions, is several times as fast as `@`. With BLAS it is so for a
    few rows, as in a network that writes one token after the other.
    """
    x, weight = np.ones((rows, 192), np.float32), np.ones((512, 192), np.float32)
    return _seconds(by_matmul, x, weight) < _seconds(by_einsum, x, weight)


MATMUL_IS_FAST: Final = is_matmul_fast(64)
_FEW_ROWS: Final = 4
many_rows: Final = by_matmul if MATMUL_IS_FAST else by_einsum
few_rows: Final = by_matmul if is_matmul_fast(2) else by_einsum


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x (..., inputs) times weight (outputs, inputs), plus bias: (..., outputs)."""
    rows = x.reshape(-1, x.shape[-1])
    y = few_rows(rows, weight) if len(rows) <= _FEW_ROWS else many_rows(rows, weight)
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], len(weight))


def gelu(x: Array) -> Array:
    """x (...) times the share of a standard normal distribution below it."""
    z = np.abs(x)
    z *= _ROOT_HALF
    t = z * _ERF_P
    t += 1
    np.reciprocal(t, out=t)
    upper = _ERF[0] * t
    for coefficient in _ERF[1:]:
        upper += coefficient
        upper *= t
    np.multiply(z, z, out=z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    upper *= z  # 1 - erf(|x| / sqrt(2)), twice the share above |x|
    upper *= _HALF
    # x - x upper for x > 0, x upper for x < 0: that is max(x, 0) - |x| upper.
    upper *= np.abs(x)
    np.subtract(np.maximum(x, 0), upper, out=upper)
    return upper


def silu(x: Array) -> Array:
    """x times its logistic function."""
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    """x where it is positive, else 0."""
    return np.maximum(x, 0)


def leaky_relu(x: Array, slope: float) -> Array:
    """x where it is positive, else x times `slope`."""
    return np.where(x > 0, x, x * np.float32(slope))


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = LAYER_NORM_EPS) -> Array:
    """x (..., features) with mean 0 and variance 1 over the features, then scaled and shifted."""
    rows = x.reshape(-1, x.shape[-1])
    rows = rows - rows.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", rows, rows)
    variance /= rows.shape[1]
    variance += np.float32(eps)
    rows *= (1 / np.sqrt(variance))[:, None]
    rows *= weight
    rows += bias
    return rows.reshape(x.shape)


def softmax(x: Array) -> Array:
    """exp(x) over its sum along the last axis; overwrites x."""
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def attention(q: Array, k: Array, v: Array, allowed: Array | None = None) -> Array:
    """Scaled dot-product attention of q (b, heads, n, d), k and v (b, heads, m, d).

    Args:
        allowed: bool, broadcasting to (b, heads, n, m): where a row may look; None for everywhere.

    Returns (b, n, heads d).
    """
    q = q * np.float32(1 / np.sqrt(q.shape[-1]))
    scores = q @ k.swapaxes(2, 3) if MATMUL_IS_FAST else np.einsum("bhid,bhjd->bhij", q, k)
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    shares = softmax(scores)
    if MATMUL_IS_FAST:
        mixed = shares @ v
    else:
        mixed = np.einsum("bhij,bhdj->bhid", shares, np.ascontiguousarray(v.swapaxes(2, 3)))
    b, heads, n, width = mixed.shape
    return mixed.transpose(0, 2, 1, 3).reshape(b, n, heads * width)
