from typer.testing import CliRunner

from backend.cli import app
from shared.errors import PlacidError

runner = CliRunner()


def test_actions_are_listed_with_a_prompt_each():
    lines = runner.invoke(app, ["actions"]).output.splitlines()
    assert len(lines) > 40
    assert any("walk forward" in line and "a person walks" in line for line in lines)


def test_actions_are_searched_by_words():
    lines = runner.invoke(app, ["actions", "walk", "back"]).output.splitlines()
    assert lines
    assert all("walk" in line and "back" in line for line in lines), lines


def test_nothing_found_is_a_sentence():
    result = runner.invoke(app, ["actions", "quidditch"])
    assert isinstance(result.exception, PlacidError)
    assert "knows no action with 'quidditch'" in str(result.exception)
