import pytest

from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods.lcr import LCRParameters
from backend.unlearning.methods.rece import RECEParameters
from backend.unlearning.registry import METHODS, describe_methods, find_method


def test_the_published_preset_is_what_the_scripts_pass_and_not_the_programs_defaults():
    assert find_method("lcr").parameters() == LCRParameters(16, 1, "target", 0, 1.0, 0, 0)
    published = find_method("rece").parameters()
    assert (published.lamb, published.erase, published.preserve) == (0.1, 0.1, 0.5)
    assert (published.epochs, published.regulariser, published.double_bias) == (1, 1e-3, True)
    programs = RECEParameters()
    assert (programs.preserve, programs.epochs) == (0.1, 3)


def test_overrides_read_command_line_strings():
    parameters = find_method("rece").parameters(
        "corrected", epochs="5", lamb="0.01", technique="replace", double_bias="true"
    )
    assert (parameters.epochs, parameters.lamb, parameters.technique) == (5, 0.01, "replace")
    assert parameters.double_bias is True
    assert parameters.adversary == "original"


@pytest.mark.parametrize(
    ("method", "preset", "overrides", "message"),
    [
        ("lcr", "publishd", {}, "did you mean 'published'"),
        ("lcr", "published", {"alhpa": 1}, "did you mean 'alpha'"),
        ("lcr", "published", {"k": "many"}, "parameter of lcr is not usable"),
        ("uce", "published", {"technique": "erase"}, "parameter of uce is not usable"),
        ("finetune", "embedded", {"start": "new"}, "start of finetune is always 'base'"),
    ],
)
def test_unusable_parameters_are_refused(method, preset, overrides, message):
    with pytest.raises(UnlearningError, match=message):
        find_method(method).parameters(preset, **overrides)


def test_unknown_method_names_the_nearest():
    with pytest.raises(UnlearningError, match="did you mean 'rece'"):
        find_method("recce")


def test_descriptions_cover_every_method():
    rows = {row["name"]: row for row in describe_methods()}
    assert set(rows) == set(METHODS)
    for name, row in rows.items():
        assert row["summary"]
        assert set(row["presets"]) == set(METHODS[name].presets)
    assert rows["lcr"]["presets"]["nearest"]["replacement"] == "nearest"
