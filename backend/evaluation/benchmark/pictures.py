"""What the page draws beside the figures: the same prompt before and after, and code histograms."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from backend.evaluation.benchmark.measures import read_joints
from backend.evaluation.benchmark.preparation import Prepared
from backend.evaluation.benchmark.rows import ORIGINAL
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.suites import FORGET, RETAIN
from backend.evaluation.benchmark.worker import Shard
from shared.motion.skeleton import CHAINS

# Of 20 frames a second every second one is drawn.
STEP: Final = 2
_STRIKES: Final = "figure.strike_rate"
# So many prompts of a suite are drawn for each model.
_EXAMPLES: Final = {FORGET: 3, RETAIN: 2}


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One method's motion: F frames of 22 joints in 3 centimetre coordinates, Y up.

    `strikes` says whether the kinematic checks find a strike in it.
    """

    method: str
    strikes: bool
    frames: list[list[list[int]]]


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt with one seed, as every method of a model makes it; the original first."""

    model: str
    suite: str
    prompt: str
    seed: int
    clips: list[Clip]


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each base code occurs in a row's motions of the forget suite."""

    model: str
    method: str
    counts: list[int]


class Pictures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is drawn from the shards themselves."""

    examples: tuple[Example, ...]
    histograms: tuple[Histogram, ...]
    chains: tuple[tuple[int, ...], ...] = tuple(tuple(chain) for chain in CHAINS)


def take_pictures(prepared: Prepared, store: Store) -> Pictures:
    """The examples and the histograms of the first replication.

    Forget examples are prompts for which the original strikes, by the kinematic checks: the first
    ones of the suite, whatever the methods make of them.
    """
    counts: dict[tuple[str, str], np.ndarray] = {}
    shards = [shard for shard in prepared.shards() if shard.repeat == 0]
    for shard in shards:
        if shard.suite == FORGET:
            key = shard.model, shard.method
            counts[key] = counts.get(key, 0) + store.get(shard)["codes"]
    examples = [
        example
        for model in prepared.rows
        for suite, most in _EXAMPLES.items()
        for example in _examples(
            [s for s in shards if (s.model, s.suite) == (model, suite)], store, most
        )
    ]
    histograms = tuple(Histogram(*key, values.tolist()) for key, values in counts.items())
    return Pictures(tuple(examples), histograms)


def _examples(shards: Sequence[Shard], store: Store, most: int) -> list[Example]:
    """The first prompts of one model and suite, of those in which the original strikes if any."""
    chosen: list[tuple[int, int]] = []
    for shard in shards:
        if shard.method == ORIGINAL:
            strikes = store.get(shard)[_STRIKES] > 0
            wanted = strikes if shard.suite == FORGET else ~strikes
            chosen += [(shard.chunk, int(i)) for i in np.flatnonzero(wanted)]
    found = []
    for chunk, index in chosen[:most]:
        clips, own = [], [shard for shard in shards if shard.chunk == chunk]
        for shard in own:
            arrays = store.get(shard)
            motion = read_joints(store, arrays)[index]
            frames = np.rint(motion[::STEP] * 100).astype(int).tolist()
            clips.append(Clip(shard.method, bool(arrays[_STRIKES][index]), frames))
        item, seed = own[0].items[index], own[0].seeds[index]
        found.append(Example(own[0].model, own[0].suite, item.prompt, seed, clips))
    return found
