"""Prompt suites that ship with Placid: quality, violent and safe prompts per class."""

import tomllib
from difflib import get_close_matches
from importlib import resources


def suite_names() -> tuple[str, ...]:
    """The names of the shipped suites."""
    folder = resources.files("backend").joinpath("assets/prompts")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def load_suite(name: str) -> dict[str, tuple[str, ...]]:
    """The prompts of a suite by class, in the order of the file.

    Raises:
        KeyError: for an unknown suite; the message names the nearest one.
    """
    names = suite_names()
    if name not in names:
        guess = get_close_matches(name, names, 1)
        hint = f"did you mean {guess[0]!r}?" if guess else f"choose from {', '.join(names)}"
        raise KeyError(f"there is no prompt suite {name!r}; {hint}")
    text = resources.files("backend").joinpath(f"assets/prompts/{name}.toml").read_text("utf-8")
    return {kind: tuple(prompts) for kind, prompts in tomllib.loads(text).items()}
