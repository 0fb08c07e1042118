import pytest

from backend.generation.generator import Generator
from backend.reports.unlearning_table import compare_methods, prompts_for
from backend.unlearning.concept import builtin_concepts, find_concept
from backend.unlearning.errors import UnlearningError


@pytest.mark.parametrize("name", sorted(builtin_concepts()))
def test_every_concept_has_prompts_to_measure_it_with(name):
    prompts = prompts_for(find_concept(name), "validation")
    assert len(prompts.forget) >= 7
    assert len(prompts.retain) >= 20
    assert set(prompts.forget).isdisjoint(prompts.retain)


def test_test_suites():
    violence = prompts_for(find_concept("violence"), "test")
    kick = prompts_for(find_concept("kick"), "test")
    assert len(violence.forget) == len(violence.retain) >= 60
    assert set(kick.forget) < set(violence.forget)
    assert kick.retain == violence.retain
    assert len(violence.thinned(7).forget) == 7
    with pytest.raises(UnlearningError, match="--suite validation"):
        prompts_for(find_concept("zombie"), "test")
    with pytest.raises(UnlearningError, match="did you mean 'test'"):
        prompts_for(find_concept("kick"), "tset")


@pytest.mark.slow
def test_the_table_has_a_row_for_every_method_and_model():
    lines = list(
        compare_methods(
            ["uce:corrected", "uce"],
            ["momask"],
            "kick",
            "test",
            2,
            1.0,
            None,
            Generator(device="cpu"),
        )
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:]]
    assert [row[:2] for row in rows] == [
        ["momask", "none"],
        ["momask", "uce:corrected"],
        ["momask", "uce"],
    ]
    assert all(row[2].endswith("of 2") and row[4].endswith("of 2") for row in rows)
    assert rows[0][3] == ""
    assert int(rows[2][3].removesuffix(" mm")) > 0
