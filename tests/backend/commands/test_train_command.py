"""`backend train`: what the commands ask the trainers for."""

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.training import runs

COMMANDS = {
    "train_rvq": (("rvq", "prepared"), 64),
    "train_decoder": (("decoder", "prepared"), 32),
    "train_text": (("text", "masked"), 64),
    "refine_text": (("refine", "bamm"), 64),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls of the trainers, which train nothing, with their arguments by name."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def noted(name: str) -> Any:
        parameters = signature(getattr(runs, name))

        def call(*given: Any, **named: Any) -> None:
            calls.append((name, parameters.bind(*given, **named).arguments))

        return call

    for name in COMMANDS:
        monkeypatch.setattr(runs, name, noted(name))
    return calls


@pytest.mark.parametrize(("trainer", "words", "batch"), [(t, *c) for t, c in COMMANDS.items()])
def test_everything_named_reaches_the_trainer(
    asked: list[tuple[str, dict[str, Any]]], trainer: str, words: tuple[str, ...], batch: int
) -> None:
    plain = ("train", *words, "--out", "run")
    for more in ((), ("--batch", "256", "--steps", "9", "--seed", "5", "--device", "cpu")):
        result = CliRunner().invoke(app, [*plain, *more])
        assert result.exit_code == 0, result.output
    (first, default), (second, given) = asked
    assert first == second == trainer
    assert (default["batch"], default["seed"], default["device"]) == (batch, 0, None)
    wanted = {"batch": 256, "steps": 9, "seed": 5, "device": "cpu", "out": Path("run")}
    assert {name: given[name] for name in wanted} == wanted
    subject = given["name"] if "name" in given else str(given["prepared"])
    assert subject == words[1]


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS.values()])
def test_a_batch_under_eight_is_refused(
    asked: list[tuple[str, dict[str, Any]]], words: tuple[str, ...]
) -> None:
    def run(batch: str) -> int:
        return (
            CliRunner().invoke(app, ["train", *words, "--out", "run", "--batch", batch]).exit_code
        )

    assert run("7") == 2
    assert not asked
    assert run("8") == 0
    assert [arguments["batch"] for _, arguments in asked] == [8]
