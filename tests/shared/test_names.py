"""Names made from what people write: no two texts share one, and every system takes them."""

import itertools

import pytest

from shared.names import (
    file_name,
    is_device,
    is_remote,
    printable,
    problem_of_path,
    same_file_key,
    stays_inside,
)

LONG = "a person walks forward slowly and then turns around to look behind the old red door "
TEXTS = [
    "a person waves",
    "a person waves.",
    "a person waves!",
    "a person, waves",
    "a-person waves",
    "a_person_waves",
    LONG + "twice",
    LONG + "thrice",
    "человек машет",
    "человек идёт",
    "человек идет",
    "一个人走路",
    "一個人走路",
    "una persona saluda",
    "una persona salúda",
    "💃",
    "🕺",
    "",
    "...",
    "con",
    "CON.",
    "nul",
    "a\udcff",
    "a\udcfe",
    "a\0b",
    "motion",
]


def test_no_two_texts_share_a_name() -> None:
    for first, second in itertools.combinations(TEXTS, 2):
        assert same_file_key(file_name(first)) != same_file_key(file_name(second)), (first, second)


@pytest.mark.parametrize("text", TEXTS)
def test_every_system_accepts_the_names(text: str) -> None:
    name = file_name(text)
    assert name.isascii()
    assert len(name) <= 70
    assert problem_of_path(name) == ""


def test_plain_words_stay_as_they_are_and_case_and_blanks_do_not_count() -> None:
    assert file_name("a person waves") == "a-person-waves"
    assert file_name("  A  person\twaves ") == "a-person-waves"
    assert file_name(LONG + "twice").startswith("a-person-walks-forward-slowly")


def test_both_forms_of_a_letter_give_one_name() -> None:
    assert file_name("caf\u00e9") == file_name("cafe\u0301")
    assert same_file_key("caf\u00e9") == same_file_key("CAFE\u0301")


@pytest.mark.parametrize(
    "name", ["con", "NUL", "nul.txt", "aux.tar.gz", "Com1", "LPT9.a", "com\u00b2", "CONIN$", "prn "]
)
def test_devices_are_known_with_any_suffix(name: str) -> None:
    assert is_device(name)


@pytest.mark.parametrize("name", ["console", "com", "com10", "lpt", "null", "a.con", "auxiliary"])
def test_names_that_only_look_like_devices_are_free(name: str) -> None:
    assert not is_device(name)


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "../x", "a/../b", "a//b", "/a", "a/", ".hidden", "a/.b", "a.", "a./b"),
        *(" a", "a ", "a /b", "C:\\x", "C:x", "a\\b", "a*", "a?", "a|b", "<a>", 'a"b'),
        *("a\0b", "a\nb", "a\u202eb", "a\u200bb", "a\ud800", "con", "x/nul.txt", "é" * 101),
    ],
)
def test_paths_that_are_refused(path: str) -> None:
    assert problem_of_path(path)


@pytest.mark.parametrize("path", ["a", "a b/c-d_e", "é/ü", "走路", "a.b", "a..b", "😀", "$(id)"])
def test_paths_that_are_accepted(path: str) -> None:
    assert problem_of_path(path) == ""


def test_paths_of_others_stay_inside() -> None:
    assert stays_inside("a/b.npz")
    for path in ("../a", "a/../../b", "/a", "\\a", "a\\..\\..\\b", "C:a", "//host/a", "a\0"):
        assert not stays_inside(path), path


def test_paths_to_other_machines_are_known() -> None:
    for path in ("\\\\host\\share\\x", "//host/share", "\\/host/x", "//?/UNC/host/share"):
        assert is_remote(path), path
    for path in ("/a", "a//b", "C:\\a", "\\a"):
        assert not is_remote(path), path


def test_what_is_printed_stays_on_its_line() -> None:
    assert printable("a\nERROR forged\r\x1b[2J\u202e\u2028b é走") == (
        "a\\nERROR forged\\r\\x1b[2J\\u202e\\u2028b é走"
    )
    assert printable("a\udcff").isprintable()
