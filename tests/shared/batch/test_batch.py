"""The queue and its journal: nothing twice, nothing forgotten, whatever happens in between."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sample_motions import walking_motion

from shared.batch.journal import JOURNAL, UNFINISHED, open_journal
from shared.batch.queue import Batch, MakeFilm, MakeSheet, MakeTakes
from shared.batch.table import Row
from shared.errors import PlacidError
from shared.filming.orders import RenderSettings
from shared.motion.audit import Audit, FoundStrike
from shared.motion.motion import Motion, load_motion
from shared.protocol.messages import Generate

ROWS = [
    Row(1, Generate("a person walks", takes=3, seed=5), output="walk"),
    Row(2, Generate("a person waves"), output="deep/wave"),
]


def _take(prompt: str, seed: int) -> Motion:
    motion = walking_motion(8)
    return Motion(motion.joints, prompt=prompt, seed=seed)


def _work(batch: Batch, most: int = 99) -> list[str]:
    """Do tasks; returns what was asked for, a word each."""
    done = []
    while len(done) < most and (task := batch.next_task()):
        match task:
            case MakeTakes():
                done.append(f"{task.row.output} {task.request.seed}+{task.request.takes}")
                for take in range(task.request.takes):
                    batch.keep_take(task.row, _take(task.request.prompt, task.request.seed + take))
            case MakeFilm():
                done.append(f"film {task.row.output} {task.seed}")
                Path(task.order.out).write_bytes(b"film")
                batch.keep(task)
            case MakeSheet():
                done.append(f"sheet {task.row.output}")
                Path(task.order.out).write_bytes(b"sheet")
                batch.keep(task)
    return done


def test_every_take_is_made_and_kept_under_its_name(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        batch = Batch(ROWS, journal, tmp_path)
        assert (batch.done, batch.total) == (0, 4)
        assert _work(batch) == ["walk 5+3", "deep/wave 0+1"]
        assert batch.fraction == 1.0
    assert load_motion(tmp_path / "walk-6.npz").seed == 6
    assert (tmp_path / "deep" / "wave-0.bvh").is_file()
    names = {path.name for path in tmp_path.iterdir()}
    assert UNFINISHED not in names, "nothing half-made is left"


def test_films_and_sheets_come_after_the_takes_of_their_row(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        batch = Batch(ROWS, journal, tmp_path, RenderSettings())
        assert batch.total == 4 + 4 + 2
        assert _work(batch) == [
            *("walk 5+3", "film walk 5", "film walk 6", "film walk 7", "sheet walk"),
            *("deep/wave 0+1", "film deep/wave 0", "sheet deep/wave"),
        ]
        assert batch.fraction == 1.0
    assert (tmp_path / "deep" / "wave-sheet.png").is_file()


def test_a_second_run_does_only_what_is_missing(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        _work(Batch(ROWS, journal, tmp_path, RenderSettings()), most=3)
    (tmp_path / "walk-6.npz").unlink()
    more = [Row(1, Generate("a person walks", takes=4, seed=5), output="walk"), ROWS[1]]
    with open_journal(tmp_path) as journal:
        batch = Batch(more, journal, tmp_path, RenderSettings())
        assert batch.done == 2 + 2
        assert _work(batch) == [
            *("walk 6+1", "walk 8+1", "film walk 7", "film walk 8", "sheet walk"),
            *("deep/wave 0+1", "film deep/wave 0", "sheet deep/wave"),
        ]
        assert batch.done == batch.total


def test_a_changed_row_is_made_again_and_a_new_look_films_again(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        _work(Batch(ROWS[1:], journal, tmp_path, RenderSettings()))
    changed = [Row(1, Generate("a person waves", seconds=3.0), output="deep/wave")]
    with open_journal(tmp_path) as journal:
        assert len(_work(Batch(changed, journal, tmp_path, RenderSettings()))) == 3
    with open_journal(tmp_path) as journal:
        look = RenderSettings(engine="cycles")
        assert len(_work(Batch(changed, journal, tmp_path, look))) == 2
        assert _work(Batch(changed, journal, tmp_path, look)) == []


def test_a_failed_row_is_left_out_and_tried_again_in_the_next_run(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        batch = Batch(ROWS, journal, tmp_path)
        task = batch.next_task()
        assert task is not None
        batch.fail(task.row, PlacidError("internal", "no"))
        assert _work(batch) == ["deep/wave 0+1"]
        assert batch.failures.keys() == {1}
        assert batch.done == 1
    with open_journal(tmp_path) as journal:
        assert _work(Batch(ROWS, journal, tmp_path)) == ["walk 5+3"]


@pytest.mark.parametrize(
    "torn",
    [
        b'{"key":"motion walk-7","finge',
        b"\xff\x00\n",
        b"[]\n",
        b"[" * 200_000 + b"\n",
        b'{"key":"a","fingerprint":"b","x":' + b"[" * 200_000 + b"\n",
        b'{"key":"a","fingerprint":"b","files":{"a":' + b"9" * 5000 + b"}}\n",
    ],
)
def test_a_torn_line_costs_one_result(tmp_path: Path, torn: bytes) -> None:
    with open_journal(tmp_path) as journal:
        _work(Batch(ROWS, journal, tmp_path))
    whole = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    assert len(whole) == 4
    (tmp_path / JOURNAL).write_bytes(b"".join(whole[:2]) + torn)
    with open_journal(tmp_path) as journal:
        assert _work(Batch(ROWS, journal, tmp_path)) == ["walk 7+1", "deep/wave 0+1"]
    assert len((tmp_path / JOURNAL).read_bytes().splitlines()) == 4


@pytest.mark.parametrize("change", ["same size, other content", "shorter", "gone", "a folder"])
def test_a_result_that_is_no_longer_what_was_made_is_made_again(
    tmp_path: Path, change: str
) -> None:
    with open_journal(tmp_path) as journal:
        _work(Batch(ROWS, journal, tmp_path))
    path = tmp_path / "walk-6.npz"
    content = path.read_bytes()
    path.unlink()
    match change:
        case "same size, other content":
            path.write_bytes(bytes(len(content)))
        case "shorter":
            path.write_bytes(content[:-1])
        case "a folder":
            path.mkdir()
    with open_journal(tmp_path) as journal:
        batch = Batch(ROWS, journal, tmp_path)
        assert batch.done == 3
        if change != "a folder":
            assert _work(batch) == ["walk 6+1"]
            assert load_motion(path).seed == 6


def test_a_result_that_was_copied_or_touched_counts_while_it_is_the_same(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        _work(Batch(ROWS, journal, tmp_path))
    os.utime(tmp_path / "walk-6.npz", (1, 1))
    with open_journal(tmp_path) as journal:
        assert _work(Batch(ROWS, journal, tmp_path)) == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "C:\\secret"])
def test_a_journal_does_not_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    folder = tmp_path / "out"
    with open_journal(folder) as journal:
        _work(Batch(ROWS, journal, tmp_path))
    journal_path = folder / JOURNAL
    first, *rest = journal_path.read_bytes().splitlines(keepends=True)
    entry = msgspec.json.decode(first)
    entry["files"] = {name: entry["files"]["walk-5.npz"]}
    journal_path.write_bytes(msgspec.json.encode(entry) + b"\n" + b"".join(rest))
    with open_journal(folder) as journal:
        assert _work(Batch(ROWS, journal, tmp_path)) == ["walk 5+1"]


def test_a_link_in_the_place_of_the_workspace_loses_nothing(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / UNFINISHED).symlink_to(precious)
    with open_journal(folder) as journal:
        _work(Batch(ROWS, journal, tmp_path))
    assert (precious / "file").exists()


def test_a_journal_that_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(PlacidError, match="move it away"), open_journal(tmp_path):
        pass


def test_the_audit_of_a_take_is_in_its_file_and_in_the_journal(tmp_path: Path) -> None:
    kick = FoundStrike("kick", "left", 2, 6, 4)
    audit = Audit((kick, FoundStrike("punch", None, 3, 4, 3, "possible")), "v1")
    with open_journal(tmp_path) as journal:
        batch = Batch(ROWS[1:], journal, tmp_path)
        batch.keep_take(ROWS[1], replace(_take("a person waves", 0), audit=audit))
    assert load_motion(tmp_path / "deep" / "wave-0.npz").audit == audit
    with open_journal(tmp_path) as journal:
        assert journal.audit("motion deep/wave-0") == audit


def test_two_batches_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        open_journal(tmp_path),
        pytest.raises(PlacidError, match="another batch"),
        open_journal(tmp_path),
    ):
        pass
    with open_journal(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(PlacidError, match="choose another folder"),
        open_journal(tmp_path / "file" / "out"),
    ):
        pass
