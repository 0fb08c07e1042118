"""What a request forgets when these concepts are named, and what no concept can be."""

from typing import Any

import msgspec
import pytest

from shared.concepts import (
    MAX_CONCEPTS,
    MAX_KEYWORDS,
    check_typed,
    forgotten,
    free,
)
from shared.errors import PlacidError
from shared.motion.safety import announce
from shared.protocol.messages import Capabilities, Choice, Generate, validate

CAPABILITIES = Capabilities(
    version="0",
    models=(Choice("momask", ""),),
    safety=(Choice("lcr", ""), Choice("uce", ""), Choice("off", "")),
    concepts=(Choice("violence", ""), Choice("kick", ""), Choice("crawl", "")),
    default_safety="lcr",
    typed_concepts=("uce",),
)


@pytest.mark.parametrize(
    ("named", "wanted", "left"),
    [
        (["violence"], ["violence"], []),
        # What the user types comes on top of violence,
        (["flower"], ["violence", "flower"], []),
        (["crawl, creep", "zombie"], ["violence", "crawl, creep", "zombie"], []),
        (["kicks,"], ["violence", "kicks,"], []),
        (["flower", "violence"], ["flower", "violence"], []),
        # a kind of violence stands for it,
        (["kick"], ["kick"], ["guns", "martial_arts", "punch", "weapons"]),
        (["kick", "flower"], ["kick", "flower"], ["guns", "martial_arts", "punch", "weapons"]),
        # and the user may take it away.
        (["flower", "-violence"], ["flower"], ["violence"]),
        (["-violence", " flower "], ["flower"], ["violence"]),
        (["kick", "-violence"], ["kick"], ["guns", "martial_arts", "punch", "weapons"]),
        (["violence", "violence", " violence"], ["violence"], []),
    ],
)
def test_violence_is_forgotten_unless_the_user_says_otherwise(named, wanted, left):
    concepts = forgotten(named)
    assert list(concepts) == wanted
    assert list(free(concepts)) == left
    sentence = announce(None, None, named, 1.0)
    assert all(part in sentence for part in left)
    assert ("free" in sentence) is bool(left)


@pytest.mark.parametrize(
    "named", [[], ["-violence"], ["violence", "-violence"], ["-kick", "crawl"], ["-", "crawl"]]
)
def test_what_forgets_nothing_or_takes_away_something_else_is_refused(named):
    with pytest.raises(PlacidError) as refused:
        forgotten(named)
    assert refused.value.code == "bad_concept"


MEANINGLESS = [
    ".", " ", "", ",", " , ", "()[]*,", "🦵", "a", "x,", "crawl, .", "1234", "кик",
    "\u200b\u200b", "a\nbc", "a\0bc", "jab/cross", "../../x", "/etc/passwd",
    "C:\\windows", "ki*ck,", "kick|punch",
]  # fmt: skip


@pytest.mark.parametrize("concept", MEANINGLESS)
def test_keywords_that_mean_nothing_are_refused(concept):
    with pytest.raises(PlacidError) as refused:
        check_typed(concept)
    assert refused.value.code == "bad_concept"
    assert "\n" not in refused.value.message
    request = Generate("walk", safety="uce", concepts=(concept,))
    with pytest.raises(PlacidError):
        validate(request, CAPABILITIES)


@pytest.mark.parametrize(
    "path",
    [
        r"\\host\share\x.toml",
        "//host/share/x.toml",
        r"\/host/x.toml",
        r"\\?\UNC\host\share\x.toml",
        "smb://host/x.toml",
        "http://host/x.TOML",
        "file:///etc/x.toml",
        "a\0.toml",
    ],
)
def test_a_concept_file_lies_on_this_computer(path):
    with pytest.raises(PlacidError) as refused:
        validate(Generate("walk", safety="uce", concepts=(path,)), CAPABILITIES)
    assert refused.value.code == "bad_concept"


@pytest.mark.parametrize(
    "concepts",
    [
        ("violence",) * 100_000,
        tuple(f"word{i}" for i in range(100_000)),
        tuple(f"kick{i}" for i in range(MAX_CONCEPTS + 1)),
        (",".join(f"word{i}" for i in range(300_000)),),
        (",".join(f"w{chr(97 + i % 26)}" for i in range(MAX_KEYWORDS + 1)),),
        ("x" * 10_000_000,),
        ("x" * 501 + ".toml",),
    ],
    ids=["one", "many", "one too many", "keywords", "a keyword too many", "long", "path"],
)
@pytest.mark.parametrize("safety", ["uce", "lcr", None])
def test_sizes_are_bounded_before_anything_is_compared(concepts, safety):
    with pytest.raises(PlacidError) as refused:
        validate(Generate("walk", safety=safety, concepts=concepts), CAPABILITIES)
    assert refused.value.code == "bad_concept"
    assert len(refused.value.message) < 300


def test_the_rule_is_asked_where_requests_are_checked():
    def check(**fields: Any) -> None:
        validate(Generate("walk", **fields), CAPABILITIES)

    check(safety="uce", concepts=("flower",))
    check(safety="off", concepts=())
    check(safety="lcr", concepts=("kick",))
    with pytest.raises(PlacidError, match="lcr cannot forget 'flower' on request; choose uce"):
        check(safety="lcr", concepts=("flower",))
    without = msgspec.structs.replace(CAPABILITIES, concepts=(Choice("crawl", ""),))
    with pytest.raises(PlacidError, match="there is no concept 'violence'"):
        validate(
            Generate("walk", concepts=("crawl",)),
            msgspec.structs.replace(without, typed_concepts=()),
        )
