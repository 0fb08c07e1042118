"""Making the shards that are missing, in this process or over Ray."""

import importlib.util
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tqdm import tqdm

from backend.evaluation.benchmark.preparation import Prepared
from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.worker import Place, Shard, Worker
from shared.errors import PlacidError

# One shard is tried again so often when its worker dies.
_RETRIES = 5
_worker: Worker | None = None


class _Failure(msgspec.Struct, frozen=True):
    """What a worker has to say instead of a shard; a PlacidError itself does not travel."""

    code: str
    message: str


def make_missing(
    prepared: Prepared, store: Store, workers: int = 1, address: str | None = None
) -> None:
    """Make every shard that the folder lacks, with a progress bar.

    Args:
        workers: how many Ray tasks at a time; 1 without an address needs no Ray.
        address: of a running Ray cluster.
    """
    shards = prepared.shards()
    missing = [shard for shard in shards if not store.has(shard)]
    motions = sum(len(shard.items) for shard in shards)
    there = motions - sum(len(shard.items) for shard in missing)
    protocol = prepared.request.protocol
    over_ray = workers > 1 or address is not None
    made = (
        _by_ray(prepared.place, protocol, missing, workers, address)
        if over_ray
        else _here(prepared.place, protocol, missing)
    )
    with tqdm(total=motions, initial=there, unit="motion", desc="generating") as bar:
        for shard, content in made:
            store.put(shard, content)
            bar.set_description(f"{shard.model} {shard.method} {shard.suite}")
            bar.update(len(shard.items))


def check_workers(workers: int, address: str | None) -> None:
    """Raise PlacidError `no_ray` where Ray is asked for and not installed."""
    if (workers > 1 or address is not None) and importlib.util.find_spec("ray") is None:
        raise PlacidError(
            "no_ray",
            f"{workers} workers need Ray, which is not installed: `pip install .[ray]`, or leave "
            "--workers and --ray-address out",
        )


def _here(
    place: Place, protocol: Protocol, shards: Sequence[Shard]
) -> Iterator[tuple[Shard, bytes]]:
    if not shards:
        return
    with tempfile.TemporaryDirectory() as scratch:
        worker = Worker(place, protocol, Path(scratch))
    for shard in shards:
        yield shard, worker.make(shard)


def _by_ray(
    place: Place,
    protocol: Protocol,
    shards: Sequence[Shard],
    workers: int,
    address: str | None,
) -> Iterator[tuple[Shard, bytes]]:
    """Shards as their tasks end; a task whose worker dies is started again by Ray.

    Raises:
        PlacidError: `no_cluster`, `lost_workers`, and what a worker could not do.
    """
    import ray

    if not shards:
        return
    # Ray's workers give way to everything else by default, and starve on a busy machine.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # Ray would pin every task to one thread, and sums would depend on it.
    threads = {"env_vars": {"OMP_NUM_THREADS": str(protocol.threads)}}
    local = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
    try:
        ray.init(
            # Without a word on it, Ray would look for a cluster in the environment.
            address=address or "local",
            runtime_env=threads,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **local,
        )
    # Ray has no class of its own for what can go wrong here.
    except Exception as error:
        raise PlacidError(
            "no_cluster",
            f"Ray cannot be used at {address or 'this machine'} ({error}); run the same command "
            f"again {'when `ray status` shows the cluster' if address else 'without --workers'}",
        ) from error
    try:
        task: Any = ray.remote(num_cpus=1, max_retries=_RETRIES)(_make)
        given = ray.put((place, protocol))
        waiting, running = list(reversed(shards)), dict[Any, Shard]()
        while waiting or running:
            while waiting and len(running) < workers:
                shard = waiting.pop()
                running[task.remote(given, shard)] = shard
            for done in ray.wait(list(running), num_returns=1)[0]:
                shard = running.pop(done)
                yield shard, _content(done, shard)
    finally:
        ray.shutdown()


def _content(done: Any, shard: Shard) -> bytes:
    """What the task of a shard made."""
    import ray

    try:
        made = ray.get(done)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise PlacidError(
            "lost_workers",
            f"{_RETRIES + 1} workers died over {shard.file}, perhaps for want of memory; run the "
            "same command again with fewer --workers: it goes on with what is missing",
        ) from error
    if isinstance(made, _Failure):
        raise PlacidError(made.code, made.message)
    return made


def _make(given: tuple[Place, Protocol], shard: Shard) -> bytes | _Failure:
    """A Ray task; the networks stay in its process for the next one."""
    global _worker  # noqa: PLW0603 (Ray tasks of one process share nothing else)
    try:
        if _worker is None:
            with tempfile.TemporaryDirectory() as scratch:
                _worker = Worker(*given, Path(scratch))
        return _worker.make(shard)
    except PlacidError as error:
        return _Failure(error.code, error.message)
