"""`opt.txt` as official releases have it."""

import pytest
from official_files import write_options

from backend.checkpoints.official.options import read_options
from shared.errors import PlacidError

VALUES = {
    "name": "rvq: the first",
    "nb_code": 512,
    "lr": 2e-05,
    "mu": 0.99,
    "shift": -3,
    "shared_codebook": False,
    "is_train": True,
    "vq_norm": None,
    "milestones": [150000, 250000],
}


def read(folder, values):
    write_options(folder, values)
    return read_options(folder / "opt.txt")


def test_numbers_and_flags_get_their_types_and_all_else_stays_text(tmp_path):
    assert read(tmp_path, VALUES).values == VALUES | {
        "lr": "2e-05",
        "vq_norm": "None",
        "milestones": "[150000, 250000]",
    }


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda options: options.integer("latent_dim"), "it has no latent_dim"),
        (lambda options: options.integer("shift"), "shift is -3 instead of a positive"),
        (lambda options: options.integer("is_train"), "is_train is True instead of a positive"),
        (lambda options: options.flag("nb_code"), "nb_code is 512 instead of True or False"),
        (lambda options: options.expect("nb_code", 256, "why"), "512 instead of 256: why"),
    ],
)
def test_an_unsuitable_option_is_named_with_its_file(tmp_path, ask, words):
    options = read(tmp_path, VALUES)
    with pytest.raises(PlacidError, match=words) as caught:
        ask(options)
    assert str(tmp_path / "opt.txt") in caught.value.message


def test_a_line_of_another_form_is_shown(tmp_path):
    (tmp_path / "opt.txt").write_text("name: x\n\nnonsense\n", encoding="utf-8")
    with pytest.raises(PlacidError, match="line 3 is 'nonsense'"):
        read_options(tmp_path / "opt.txt")
