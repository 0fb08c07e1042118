"""What the page draws beside the figures: poses before and after, and histograms of codes."""

from typing import Final

import msgspec
import numpy as np

from backend.evaluation.benchmark.preparation import Prepared
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.suites import FORGET
from shared.motion.skeleton import CHAINS

_POSES: Final = 8


class Strip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Poses of one motion: P poses of 22 joints in 3 centimetre coordinates, Y up."""

    model: str
    method: str
    prompt: str
    poses: list[list[list[int]]]


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each base code occurs in a row's motions of the forget suite."""

    model: str
    method: str
    counts: list[int]


class Pictures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is drawn from the shards themselves."""

    strips: tuple[Strip, ...]
    histograms: tuple[Histogram, ...]
    chains: tuple[tuple[int, ...], ...] = tuple(tuple(chain) for chain in CHAINS)


def take_pictures(prepared: Prepared, store: Store) -> Pictures:
    """The strips of the first forget prompts and the histograms of the first replication."""
    strips, counts = [], dict[tuple[str, str], np.ndarray]()
    for shard in prepared.shards():
        if shard.suite != FORGET or shard.repeat:
            continue
        arrays = store.get(shard)
        key = shard.model, shard.method
        counts[key] = counts.get(key, 0) + arrays["codes"]
        if shard.chunk == 0:
            for i, (motion, frames) in enumerate(
                zip(arrays["joints"], arrays["frames"], strict=True)
            ):
                chosen = np.linspace(0, int(frames) - 1, _POSES).round().astype(int)
                poses = (motion[chosen].astype(np.float64) * 100).round().astype(int)
                strips.append(Strip(*key, shard.items[i].prompt, poses.tolist()))
    histograms = tuple(Histogram(*key, values.tolist()) for key, values in counts.items())
    return Pictures(tuple(strips), histograms)
