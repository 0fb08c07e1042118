"""How a command ends: expected problems in a sentence, defects with their traceback."""

import errno
import json
import os

import pytest

from backend import cli
from backend.datasets.sources import SourceError
from backend.kinematic_checks.body_signals import KinematicsError
from backend.training.loop import TrainingError
from backend.unlearning.errors import UnlearningError
from shared.errors import PlacidError
from shared.motion.motion import MotionError

OURS = (SourceError, KinematicsError, TrainingError, UnlearningError, MotionError)


def _end_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int | str | None:
    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.mark.parametrize("kind", OURS)
def test_each_of_our_errors_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[PlacidError]
) -> None:
    assert _end_with(monkeypatch, kind("the run is gone; train anew")) == 1
    assert capsys.readouterr().err == "backend: the run is gone; train anew\n"


def _undecodable() -> Exception:
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "error",
    [
        ValueError("shapes do not fit"),
        _undecodable(),
        json.JSONDecodeError("not JSON", "x", 0),
        KeyError("no such layer"),
        RuntimeError("size mismatch"),
        RecursionError("too deep"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(type(error)):
        cli.main()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.npz"), "No such file: a.npz\n"),
        (OSError("no details"), "no details\n"),
        (MemoryError(), "the memory ran out"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "the memory ran out"),
    ],
    ids=str,
)
def test_the_systems_errors_are_sentences_without_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    assert _end_with(monkeypatch, error) == 1
    assert capsys.readouterr().err.startswith(f"backend: {said}")


def test_an_interrupt_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _end_with(monkeypatch, KeyboardInterrupt()) == 130
