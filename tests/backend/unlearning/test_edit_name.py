"""The grammar of edits' names has one owner."""

import pytest

from backend.unlearning.edit_name import EditName, check_concept_name, concept_name
from backend.unlearning.errors import UnlearningError


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("momask-lcr-violence.safetensors", EditName("momask", "lcr", "violence")),
        ("momask-lcr+uce-violence", EditName("momask", "lcr+uce", "violence")),
        ("bamm-uce-kick+punch.safetensors", EditName("bamm", "uce", "kick+punch")),
        ("bamm-uce-kick-low.safetensors", EditName("bamm", "uce", "kick-low")),
        ("bamm-uce-прыжок.safetensors", EditName("bamm", "uce", "прыжок")),
    ],
)
def test_names_of_files_come_back(file, name):
    assert EditName.parse(file) == name
    assert EditName.parse(name.file) == name


@pytest.mark.parametrize(
    "file",
    ["momask.safetensors", "momask-lcr", "momask--kick", "-lcr-kick", "momask-lcr-", "a-b-_c",
     "momask-lcr+-kick", "momask-lcr-Kick", "momask-lcr-a/b", "momask-l r-kick", "momask-lcr-.."],
)  # fmt: skip
def test_other_files_are_no_edits(file):
    assert EditName.parse(file) is None


HOSTILE = {
    "../../x": "x",
    "/etc/passwd": "etc_passwd",
    "jab/cross": "jab_cross",
    "a\\b": "a_b",
    "a\0b": "a_b",
    "a\nb": "a_b",
    "Kick": "kick",
    "": "my_concept",
    "...": "my_concept",
    "🦵": "my_concept",
    "_hidden": "hidden",
    "C:x": "c_x",
    "x" * 65: "x" * 64,
    "e\u0301lan": "élan",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_cannot_be_part_of_a_files_name_is_refused_with_one_that_can(name):
    with pytest.raises(UnlearningError, match="cannot be part of a file's name") as refused:
        check_concept_name(name)
    assert repr(HOSTILE[name]) in str(refused.value)
    check_concept_name(HOSTILE[name])
    with pytest.raises(UnlearningError):
        _ = EditName("momask", "uce", name).file


@pytest.mark.parametrize("text", ["Kung Fu, a/b", "crawl, creep", "../x", "a" * 200])
def test_names_made_from_keywords_are_allowed(text):
    check_concept_name(concept_name(text))
