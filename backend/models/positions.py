"""The table of positions, the same to the last bit whatever engine adds it."""

import math

import numpy as np
import numpy.typing as npt


def positions(count: int, width: int) -> npt.NDArray[np.float32]:
    """Sinusoids, float32 (count, width), of Vaswani et al., Attention Is All You Need, section 3.5.

    The angles are float32, as in the official code; what is made of them is rounded once.
    """
    exponent = np.arange(0, width, 2, dtype=np.float32) * np.float32(-math.log(10000.0) / width)
    rate = np.exp(exponent.astype(np.float64)).astype(np.float32)
    angle = (np.arange(count, dtype=np.float32)[:, None] * rate).astype(np.float64)
    table = np.empty((count, width), np.float32)
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle)
    return table
