"""Counting a run again with another judge, from the joints that it kept; nothing is generated."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from tqdm import tqdm

from backend.evaluation.benchmark.cells import Table, difference_cell, label
from backend.evaluation.benchmark.measures import read_joints
from backend.evaluation.benchmark.results import Difference
from backend.evaluation.benchmark.rows import ORIGINAL, is_d_r
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.suites import FORGET
from backend.evaluation.benchmark.worker import ShardName
from backend.evaluation.judges import Judge, Tier
from backend.evaluation.metrics import Share
from backend.evaluation.uncertainty import Draws, ends, rate_difference_ends, share_ends
from shared.errors import PlacidError

_COUNTED: Final[tuple[Tier, ...]] = ("clear", "softened")


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge found in the motions of one row and suite.

    Attributes:
        tier: the least that counts: `clear`, or `softened` for softened and clear ones.
        count, total: motions that show it, of how many in all replications.
        low, high: 95 % over prompts (Wilson's).
        against_original, against_d_r: differences of the shares, paired over prompts.
    """

    model: str
    method: str
    suite: str
    tier: Tier
    count: int
    total: int
    low: float
    high: float
    against_original: Difference | None = None
    against_d_r: Difference | None = None


class Recount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `recount-JUDGE.json` holds; `judge_version` names all that its answers depend on."""

    judge: str
    judge_version: str
    seed: int
    counts: tuple[Count, ...]


_Key = tuple[str, str, str]


def recount(store: Store, judge: Judge) -> Recount:
    """Judge every motion of a run.

    Raises:
        PlacidError: `damaged_run` for a folder that holds no shards, or damaged ones.
    """
    seed = int(store.manifest()["seed"])
    tiers = _tiers(store, judge)
    counts = []
    for counted in _COUNTED:
        shown = {key: _at_least(counted, rows) for key, rows in tiers.items()}
        counts += [_count(key, counted, shown, seed) for key in shown]
    return Recount(judge.name, judge.version(), seed, tuple(counts))


def write_recount(store: Store, counted: Recount) -> Path:
    """Write the counts into the run's folder; returns the file."""
    path = store.folder / f"recount-{counted.judge}.json"
    store.write(path, msgspec.json.format(msgspec.json.encode(counted), indent=1))
    return path


def recount_tables(counted: Recount) -> list[Table]:
    """A table for each tier: a row a method, a column a suite, and both differences."""
    return [_table(counted, tier) for tier in _COUNTED]


def _tiers(store: Store, judge: Judge) -> dict[_Key, list[list[Tier]]]:
    """The tier of every motion, by row and suite: of each replication, of each prompt."""
    files = sorted(store.shards.glob("*.safetensors"))
    if not files:
        raise PlacidError(
            "damaged_run",
            f"{store.folder} has no shards to count; name the folder of a `backend eval run`",
        )
    found: dict[_Key, dict[int, list[Tier]]] = defaultdict(lambda: defaultdict(list))
    for path in tqdm(files, unit="shard", desc=f"judging by {judge.name}", disable=None):
        name = ShardName.of(path.name)
        motions = read_joints(store, store.read(path))
        verdicts = [judge(motion).tier for motion in motions]
        found[name.model, name.method, name.suite][name.repeat] += verdicts
    return {key: [rows[repeat] for repeat in sorted(rows)] for key, rows in found.items()}


def _at_least(counted: Tier, rows: Sequence[Sequence[Tier]]) -> np.ndarray:
    """float64 (R, P) of 0 and 1."""
    enough = ("clear",) if counted == "clear" else ("clear", "softened")
    return np.array([[tier in enough for tier in row] for row in rows], dtype=np.float64)


def _count(key: _Key, tier: Tier, shown: Mapping[_Key, np.ndarray], seed: int) -> Count:
    model, _, suite = key
    own = shown[key]
    original = [shown[k] for k in shown if k == (model, ORIGINAL, suite) and k != key]
    d_r = [shown[k] for k in shown if (k[0], k[2]) == (model, suite) and is_d_r(k[1]) and k != key]
    low, high = share_ends(own)
    return Count(
        *key,
        tier,
        int(own.sum()),
        own.size,
        low,
        high,
        _difference(own, original, seed),
        _difference(own, d_r, seed),
    )


def _difference(own: np.ndarray, others: Sequence[np.ndarray], seed: int) -> Difference | None:
    if not others or any(other.shape != own.shape for other in others):
        return None
    mean, theirs = own.mean(axis=0), [other.mean(axis=0) for other in others]
    draws = Draws.of(len(mean), seed)
    drawn = ends(draws.means(mean) - draws.means_of_runs(theirs))
    apart = mean - np.mean(theirs, axis=0)
    return Difference(float(apart.mean()), *rate_difference_ends(apart, drawn))


def _table(counted: Recount, tier: Tier) -> Table:
    own = [count for count in counted.counts if count.tier == tier]
    suites = list(dict.fromkeys(count.suite for count in own))
    by_key = {(count.model, count.method, count.suite): count for count in own}
    rows = []
    for model, method in dict.fromkeys((count.model, count.method) for count in own):
        cells = []
        for suite in suites:
            count = by_key.get((model, method, suite))
            cells.append("-" if count is None else _cell(count))
        forget = by_key.get((model, method, FORGET))
        cells += [
            difference_cell(None if forget is None else forget.against_original),
            difference_cell(None if forget is None else forget.against_d_r),
        ]
        rows.append((model, label(method), *cells))
    what = "clear strikes" if tier == "clear" else "softened and clear strikes"
    return Table(
        f"{what}, by the judge {counted.judge}",
        ("model", "method", *suites, "forget minus original", "forget minus D_r"),
        tuple(rows),
        "(a to b) Wilson, 95 %; * the paired interval leaves 0 out",
    )


def _cell(count: Count) -> str:
    share = Share(count.count, count.total)
    return f"{share.value:.3g} ({count.low:.2g} to {count.high:.2g})"
