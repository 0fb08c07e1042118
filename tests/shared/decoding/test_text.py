"""JSON, TOML and text of others: what is within the limits is read, all else is one sentence."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.decoding.errors import DecodeError, FileKind, explain
from shared.decoding.limits import MAX_DEPTH
from shared.decoding.text import (
    decode_json,
    decode_json_lines,
    decode_text,
    decode_toml,
    read_bytes,
)
from shared.errors import PlacidError


class Sample(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    values: list[Any] = []


KIND = FileKind("a sample", "write it again", lambda text: PlacidError("bad_sample", text))


def _refusal(run: Any, *arguments: Any) -> str:
    with pytest.raises(PlacidError) as caught, KIND.reading("sample.x"):
        run(*arguments)
    assert caught.value.code == "bad_sample"
    assert caught.value.message.startswith("sample.x ")
    assert caught.value.message.endswith("; write it again")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    return caught.value.message


def test_values_come_back_and_brackets_in_strings_do_not_count() -> None:
    text = '{"name": "[[[{\\"\\\\", "values": [1, [2.5, "' + "[" * 1000 + '"], {"a": null}]}'
    assert decode_json(text.encode(), Sample).values[1][0] == 2.5
    assert decode_toml("name = 'x'\nvalues = [1, [2]]", Sample) == Sample("x", [1, [2]])
    dots = "." * 100 + "[" * 100
    for quoted in (f'"{dots}"', f"'{dots}'", f'"""{dots}\n"""', f"'''{dots}'''"):
        assert decode_toml(f"name = {quoted} # {dots}", Sample).name.strip() == dots


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 200_000])
def test_nesting_is_bounded(depth: int) -> None:
    for data in (b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth):
        assert "nested too deeply" in _refusal(decode_json, data, object)
    depth = min(depth, 100_000)
    nested = f"values = {'[' * depth}{']' * depth}"
    assert "nested too deeply" in _refusal(decode_toml, nested, Sample)
    assert "nested too deeply" in _refusal(decode_toml, ".".join("a" * depth) + " = 1", Sample)


def test_what_is_deep_enough_for_people_is_read() -> None:
    nested = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    decode_json(f'{{"values": {nested}}}'.encode(), Sample)


def test_entries_and_digits_are_bounded() -> None:
    assert "entries" in _refusal(decode_json, b"[" + b"0," * 600_000 + b"0]", list[int])
    assert "larger than 256 kB" in _refusal(decode_toml, f"values = [{'0,' * 200_000}]", Sample)
    for digits in (20, 400, 6000):
        number = "9" * digits
        assert _refusal(decode_json, f"[{number}]".encode(), list[int])
        assert _refusal(decode_toml, f"values = [{number}]", Sample)
    assert decode_json(b'["' + b"9" * 6000 + b'", 0.' + b"3" * 60 + b"]", list[Any])[1] > 0.3


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_numbers_are_finite(value: str) -> None:
    assert _refusal(decode_toml, f"values = [{value}]", Sample)
    assert _refusal(decode_json, f"[{value}]".encode(), list[float])


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"{", b'{"name": 5}', b'{"nam": ""}', b"\xff\xfe", b'["\\ud800"]', b"nul"]
)
def test_json_of_another_kind(data: bytes) -> None:
    _refusal(decode_json, data, Sample)


def test_text_may_have_a_mark_and_any_line_ends() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decode_text("a\r\nb\rc\né".encode(encoding)) == "a\nb\nc\né"
    for data in (b"\xff", b"a\0b", "é".encode("latin-1"), b"\xff\xfea"):
        assert "is not UTF-8 text" in _refusal(decode_text, data)


def test_lines_that_cannot_be_read_are_left_out() -> None:
    good = b'{"name":"a"}'
    bad = [b"[" * 100_000, b"\xff", b'{"name":', b"[]", b"9" * 6000, b'{"name":"' + b"x" * 2**21]
    lines = b"\n".join([good, *bad, b"", good])
    assert list(decode_json_lines(lines, Sample)) == [Sample("a")] * 2


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    assert "is a folder" in _refusal(read_bytes, tmp_path)
    (tmp_path / "big").write_bytes(bytes(2000))
    assert "is larger than 1 kB" in _refusal(read_bytes, tmp_path / "big", 1024)
    if os.name != "nt":
        os.mkfifo(tmp_path / "pipe")
        assert "no ordinary file" in _refusal(read_bytes, tmp_path / "pipe")
        assert "no ordinary file" in _refusal(read_bytes, Path("/dev/zero"))


def test_a_missing_file_has_another_remedy(tmp_path: Path) -> None:
    for name in ("none", "a\0b"):
        with pytest.raises(PlacidError, match="does not exist; check the path"), KIND.reading("x"):
            read_bytes(tmp_path / name)


def test_a_name_cannot_forge_a_line() -> None:
    with pytest.raises(PlacidError) as caught, KIND.reading("a\nERROR b"):
        read_bytes(Path("none"))
    assert "\n" not in caught.value.message


def test_defects_of_ours_are_not_taken_for_damage() -> None:
    for defect in (TypeError, AttributeError, AssertionError):
        with pytest.raises(defect), KIND.reading("x"):
            raise defect("ours")


def test_a_rooms_own_sentence_stays() -> None:
    class RoomError(ValueError):
        pass

    room = FileKind("a thing", "", RoomError)
    with pytest.raises(RoomError, match=r"^mine$"), room.reading("x"):
        raise RoomError("mine")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Cannot load file containing pickled data when allow_pickle=False"),
        RuntimeError("weights_only"),
        MemoryError(),
        OSError(),
        KeyError("x"),
        OverflowError("x"),
        DecodeError("is odd"),
    ],
)
def test_no_librarys_advice_is_passed_on(error: Exception) -> None:
    said = explain(error)
    assert "pickle" not in said
    assert "weights_only" not in said
    assert "None" not in said
