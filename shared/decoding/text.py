"""Bytes, text, JSON, TOML and lines of JSON from files that somebody else may have written.

Nothing here names the file or the remedy: `errors.FileKind.reading` does.
"""

import codecs
import contextlib
import math
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from .errors import UNDECODABLE, DecodeError
from .limits import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ENTRIES,
    MAX_SETTINGS_BYTES,
    MAX_TOML_CHARACTERS,
    MIB,
)

Value = TypeVar("Value")

_JSON_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MANY_DIGITS: Final = re.compile(rb"(?<![\d.])\d{%d,}" % (MAX_DIGITS + 1))
# Texts and comments of TOML: they may hold dots and brackets of any number.
_TOML_TEXT: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
# The library takes the square of a dotted key's length in time.
_LONG_KEY: Final = re.compile(rf"(?:[\w-]*[ \t]*\.[ \t]*){{{MAX_DEPTH}}}")
_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_NOT_BRACKETS: Final = bytes(set(range(256)) - _OPENING - _CLOSING)
# Spreadsheets write both; a file without a mark is UTF-8.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: Path, most: int = MAX_SETTINGS_BYTES) -> bytes:
    """The content of an ordinary file of at most so many bytes. Raises DecodeError, OSError."""
    check_file(path, most)
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise too_large(most)
    return data


def check_file(path: Path, most: int) -> int:
    """The size of an ordinary file. Raises DecodeError for pipes, devices and what is larger."""
    try:
        status = path.stat()
    except ValueError:  # a NUL in the path
        raise FileNotFoundError(str(path)) from None
    if stat.S_ISDIR(status.st_mode):
        raise DecodeError("is a folder")
    # Opening a pipe would wait for a writer for ever, and a device may have no end.
    if not stat.S_ISREG(status.st_mode):
        raise DecodeError("is no ordinary file")
    if status.st_size > most:
        raise too_large(most)
    return status.st_size


def too_large(most: int) -> DecodeError:
    """The refusal of a file that has more bytes than its kind may have."""
    size = f"{most // MIB} MB" if most >= MIB else f"{most // 1024} kB"
    return DecodeError(f"is larger than {size}, which no such file is")


def decode_text(data: bytes) -> str:
    """UTF-8 text, or UTF-16 with its mark; line ends become newlines.

    Raises DecodeError for other bytes, and for text with a NUL.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    text = data.decode(encoding)
    if "\0" in text:
        raise DecodeError("is not UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, most: int = MAX_SETTINGS_BYTES) -> str:
    """`decode_text` of `read_bytes`."""
    return decode_text(read_bytes(path, most))


def decode_json(data: bytes, kind: type[Value], most_entries: int = MAX_ENTRIES) -> Value:
    """A value of a type that msgspec knows, from JSON within the limits of depth and entries."""
    # Strings may hold brackets, commas and digits of any number.
    plain = _JSON_TEXT.sub(b"", data)
    _check_nesting(plain)
    _check_count(plain.count(b",") + plain.count(b"["), most_entries)
    if _MANY_DIGITS.search(plain):
        raise _long_number()
    return msgspec.json.decode(data, type=kind)


def decode_toml(text: str, kind: type[Value]) -> Value:
    """A value of a type that msgspec knows, from TOML within the limits of depth and entries."""
    if len(text) > MAX_TOML_CHARACTERS:
        raise too_large(MAX_TOML_CHARACTERS)
    plain = _TOML_TEXT.sub("x", text)
    _check_nesting(plain.encode("ascii", "replace"))
    if _LONG_KEY.search(plain):
        raise DecodeError("is nested too deeply")
    table = tomllib.loads(text)
    _check_values(table)
    return msgspec.convert(table, kind)


def decode_json_lines(data: bytes, kind: type[Value]) -> Iterator[Value]:
    """The values of the lines that can be read; torn, foreign and hostile lines are left out."""
    for line in data.splitlines():
        if not line.strip() or len(line) > MAX_SETTINGS_BYTES:
            continue
        with contextlib.suppress(DecodeError, *UNDECODABLE):
            yield decode_json(line, kind)


def _check_nesting(plain: bytes) -> None:
    depth = 0
    for character in plain.translate(None, _NOT_BRACKETS):
        depth += 1 if character in _OPENING else -1
        if depth > MAX_DEPTH:
            raise DecodeError("is nested too deeply")


def _check_values(table: dict[str, Any]) -> None:
    """Hold decoded TOML against the limits; without recursion, for that is what is checked."""
    level: list[Any] = [table]
    entries = depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise DecodeError("is nested too deeply")
        entries += len(level)
        _check_count(entries, MAX_ENTRIES)
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
                raise _long_number()
            elif isinstance(value, float) and not math.isfinite(value):
                raise DecodeError("has a number that is not finite")
        level = below


def _check_count(entries: int, most: int) -> None:
    if entries > most:
        raise DecodeError(f"has more than {most} entries")


def _long_number() -> DecodeError:
    return DecodeError(f"has a whole number of more than {MAX_DIGITS} digits")
