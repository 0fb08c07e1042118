"""Prompt suites that ship with Placid: quality, violent and safe prompts per class."""

import tomllib
from importlib import resources

from shared.registry import unknown


def suite_names() -> tuple[str, ...]:
    """The names of the shipped suites."""
    folder = resources.files("backend").joinpath("assets/prompts")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def load_suite(name: str) -> dict[str, tuple[str, ...]]:
    """The prompts of a suite by class, in the order of the file.

    Raises:
        PlacidError: `unknown_prompt_suite`, with the nearest name.
    """
    names = suite_names()
    if name not in names:
        raise unknown("prompt suite", name, names)
    text = resources.files("backend").joinpath(f"assets/prompts/{name}.toml").read_text("utf-8")
    return {kind: tuple(prompts) for kind, prompts in tomllib.loads(text).items()}
