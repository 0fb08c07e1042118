"""Every kind of file that Placid reads, damaged in every way: read, or refused in one sentence.

Slow, and bounded; part of the fault campaign in docs/reliability.md.
"""

import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from campaign_record import record
from hostile_files import CHECKOUT, KINDS, cases, contents

from backend.checkpoints.loading import load_checkpoint
from backend.checkpoints.official.networks import read_statistics
from backend.checkpoints.official.options import read_options
from backend.commands.generate import _texts
from backend.motion.body_model import load_body_model
from backend.unlearning.concept import load_concept
from backend.unlearning.edit import Edit
from backend.unlearning.statistics import CodeStatistics
from shared.batch.journal import open_journal
from shared.batch.table import read_table
from shared.errors import PlacidError
from shared.motion.bvh import load_bvh
from shared.motion.motion import load_motion
from shared.protocol.handshake import read_connection
from shared.recognition.mapping import load_mapping

# Far above what reading any of them takes, far below what the vast ones hold.
_LONGEST_SECONDS = 20.0
_MOST_MEMORY = 1500 * 2**20


def _read_journal(path: Path) -> None:
    with open_journal(path.parent):
        pass


def _read_mean(path: Path) -> None:
    meta = path.parent / "meta"
    meta.mkdir()
    path.rename(meta / "mean.npy")
    shutil.copy(CHECKOUT / "tests" / "golden" / "README.md", meta / "std.npy")
    read_statistics(path.parent)


READERS: dict[str, Callable[[Path], Any]] = {
    "motion.npz": load_motion,
    "motion.bvh": load_bvh,
    "mapping.toml": load_mapping,
    "table.csv": lambda path: read_table(path).check(None, with_rigs=True),
    "table.json": lambda path: read_table(path).check(None, with_rigs=True),
    "batch-journal.jsonl": _read_journal,
    "prompts.txt": lambda path: _texts(None, path),
    "concept.toml": load_concept,
    "opt.txt": lambda path: read_options(path).integer("nb_code"),
    "mean.npy": _read_mean,
    "body.npz": load_body_model,
    "config.json": lambda path: load_checkpoint(path.parent),
    "rvq.safetensors": lambda path: load_checkpoint(path.parent),
    "edit.safetensors": Edit.load,
    "statistics.safetensors": CodeStatistics.load,
    "connection.json": read_connection,
}


def _problem(read: Callable[[Path], Any], path: Path) -> str:
    """What is wrong with how a file is read or refused; empty if nothing is."""
    try:
        read(path)
    except PlacidError as error:
        advice = ("allow_pickle", "weights_only", "Traceback", "None")
        said = str(error)
        if "\n" in said or len(said) > 1000:
            return f"no sentence: {said[:200]!r}"
        return next((f"says {word!r}" for word in advice if word in said), "")
    except BaseException as error:
        return f"{type(error).__name__} reaches people: {str(error)[:150]}"
    return ""


@pytest.mark.slow
def test_hostile_files_are_read_or_refused_in_one_sentence(tmp_path: Path) -> None:
    peaks = [_peak_memory()]
    problems = []
    counts: Counter[str] = Counter(files=0, tracebacks=0, hangs=0)
    for case in cases():
        folder = tmp_path / "case"
        folder.mkdir()
        path = KINDS[case.kind].write(folder)
        path.unlink()
        case.place(path)
        began = time.monotonic()
        if problem := _problem(READERS[case.kind], path):
            problems.append(f"{case.kind}, {case.damage}: {problem}")
            counts["tracebacks"] += "reaches people" in problem
        counts["hangs"] += time.monotonic() - began > _LONGEST_SECONDS
        peaks.append(_peak_memory())
        if peaks[-1] - peaks[0] > _MOST_MEMORY:
            problems.append(f"{case.kind}, {case.damage}: took {peaks[-1] - peaks[0]} bytes")
            peaks[0] = peaks[-1]
        shutil.rmtree(folder)
        counts["files"] += 1
    record("hostile files", counts, most_memory_mb=peaks[-1] // 2**20)
    assert counts["files"] >= 150
    assert not problems, "\n".join(problems)
    assert counts["hangs"] == 0, counts


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_few_of_each_kind(tmp_path: Path, kind: str) -> None:
    """What the default run has time for: the good file, and some that are not."""
    path = KINDS[kind].write(tmp_path)
    good = path.read_bytes()
    if kind != "mean.npy":
        READERS[kind](path)
    for number, (damage, content) in enumerate(contents(good, random.Random(5))):
        if damage in ("a bomb", "many entries") or number % 3:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        damaged = KINDS[kind].write(folder)
        damaged.write_bytes(content)
        assert not _problem(READERS[kind], damaged), damage


def _peak_memory() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
