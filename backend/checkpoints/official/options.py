"""`opt.txt`: the options that a published network was trained with, one `name: value` a line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_LAYERS, MAX_WIDTH
from shared.decoding.text import decode_text, read_bytes
from shared.errors import PlacidError

Value = bool | int | float | str
_DECORATION: Final = re.compile(r"-+ (Options|End) -+")
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?\d{1,30}\.\d{1,30}", re.ASCII)
_LONGEST: Final = 500
_MOST: Final = {
    **dict.fromkeys(("n_layers", "n_heads", "depth", "num_quantizers"), MAX_LAYERS),
    **dict.fromkeys(("down_t", "dilation_growth_rate"), 8),
}


@dataclass(frozen=True)
class Options:
    """Options by name, with where they stand for messages."""

    path: Path
    values: dict[str, Value]

    def integer(self, name: str) -> int:
        """A whole positive number; raises PlacidError when it is absent or something else.

        It must be one that a network can have: what is larger would fill the memory, or take for
        ever, before the weights could show that they do not fit.
        """
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(f"{name} is {value!r} instead of a positive whole number")
        most = _MOST.get(name, MAX_WIDTH)
        if value > most:
            raise self._wrong(f"{name} is {value}; {most} is the most that is read")
        return value

    def text(self, name: str) -> str:
        """A word, where `None` stays the word "None"; raises PlacidError when absent."""
        return str(self._required(name))

    def flag(self, name: str) -> bool:
        """True or False; raises PlacidError when it is absent or something else."""
        value = self._required(name)
        if not isinstance(value, bool):
            raise self._wrong(f"{name} is {value!r} instead of True or False")
        return value

    def expect(self, name: str, wanted: Value, why: str) -> None:
        """Raise PlacidError unless the option has the one value that there is a network for."""
        if self._required(name) != wanted:
            raise self._wrong(f"{name} is {self.values[name]!r} instead of {wanted!r}: {why}")

    def _required(self, name: str) -> Value:
        if name not in self.values:
            raise self._wrong(f"it has no {name}")
        return self.values[name]

    def _wrong(self, problem: str) -> PlacidError:
        return wrong_options(self.path, problem)


def wrong_options(path: Path, problem: object) -> PlacidError:
    """The error for options that cannot be used."""
    return PlacidError(
        "wrong_options",
        f"{path} cannot be used ({problem}); unpack the official release there once more",
    )


_FILE: Final = FileKind(
    "a list of options",
    "unpack the official release there once more",
    lambda sentence: PlacidError("wrong_options", sentence),
)


def read_options(path: Path) -> Options:
    """Read an `opt.txt`; numbers, True and False get their types, all else stays text.

    Raises:
        PlacidError: `wrong_options` when a line is not of the form `name: value`.
    """
    with _FILE.reading(path):
        lines = decode_text(read_bytes(path)).splitlines()
    values: dict[str, Value] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or _DECORATION.fullmatch(line.strip()):
            continue
        name, separator, value = line.partition(": ")
        if not separator:
            raise wrong_options(path, f"line {number} is {line[:60]!r} instead of 'name: value'")
        values[name.strip()[:_LONGEST]] = _value(value.strip()[:_LONGEST])
    return Options(path, values)


def _value(text: str) -> Value:
    if text in ("True", "False"):
        return text == "True"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
