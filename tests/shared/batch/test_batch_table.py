"""Tables of prompts: what is understood, and what is said about what is not."""

from pathlib import Path

import pytest

from shared.batch.table import TableError, check_table, read_table
from shared.errors import PlacidError
from shared.protocol.messages import Capabilities, Choice

CAPABILITIES = Capabilities(
    version="1",
    models=(Choice("momask", ""),),
    safety=(Choice("uce", ""), Choice("off", "")),
    concepts=(Choice("violence", ""), Choice("kick", "")),
    default_safety="uce",
)


def _write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _problems(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(TableError) as caught:
        check_table(path.name, read_table(path), CAPABILITIES, path.parent)
    return [(p.row, p.column, p.value) for p in caught.value.problems]


def test_every_column_is_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "prompt,seconds,takes,seed,safety,model,concept,rig,camera,output\n"
        '"a person walks, then waves",4.5,2,7,uce,momask,violence; kick,rigify,side,walks/one\n',
    )
    [row] = read_table(path)
    request = row.request
    assert (request.prompt, request.seconds) == ("a person walks, then waves", 4.5)
    assert (request.takes, request.seed, request.safety) == (2, 7, "uce")
    assert (request.model, request.concepts) == ("momask", ("violence", "kick"))
    assert (row.rig, row.camera, row.output) == ("rigify", "side", "walks/one")
    assert list(row.seeds) == [7, 8]
    check_table(path.name, [row], CAPABILITIES)


def test_the_prompt_alone_is_enough_and_names_the_output(tmp_path: Path) -> None:
    rows = read_table(_write(tmp_path, "prompt\nA person waves!\n\nA person waves!\na person\n"))
    assert [row.output for row in rows] == ["a-person-waves", "a-person-waves-2", "a-person"]
    assert rows[0].request.seconds is None
    assert rows[0].request.safety is None


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_decimal_commas_and_a_byte_order_mark(
    tmp_path: Path, delimiter: str
) -> None:
    text = f"\ufeffprompt{delimiter}seconds\na person waves{delimiter}2,5\n"
    [row] = read_table(_write(tmp_path, text))
    assert row.request.seconds == 2.5


def test_json_has_the_same_columns(tmp_path: Path) -> None:
    text = '[{"prompt": "a person waves", "takes": 3, "concept": ["kick"]}]'
    [row] = read_table(_write(tmp_path, text, "table.json"))
    assert row.request.takes == 3
    assert row.request.concepts == ("kick",)


def test_all_problems_are_told_at_once_with_row_column_and_value(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "prompt,seconds,takes,camera,rig,output\n"
        "a person waves,long,1,auto,placid,\n"
        ",2,1.5,above,hero,../away\n",
    )
    assert _problems(path) == [
        (1, "seconds", "long"),
        (2, "prompt", ""),
        (2, "takes", "1.5"),
        (2, "camera", "above"),
        (2, "rig", "hero"),
        (2, "output", "../away"),
    ]
    with pytest.raises(TableError, match="row 1, column seconds, value 'long': write a number"):
        read_table(path)


def test_what_the_backend_does_not_offer_is_told_by_column(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "prompt,seconds,takes,seed,model,safety,concept,rig\n"
        "a person waves,20,1,0,momask,uce,violence,placid\n"
        "a person waves,2,99,-1,bam,ucee,violence,placid\n"
        "a person waves,2,1,0,momask,uce,dancing,hero.blend\n",
    )
    assert _problems(path) == [
        (1, "seconds", "20.0"),
        (2, "takes", "99"),
        (2, "seed", "-1"),
        (2, "model", "bam"),
        (2, "safety", "ucee"),
        (3, "concept", "dancing"),
        (3, "rig", "hero.blend"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt,second\na person waves,2\n", "did you mean 'seconds'"),
        ("prompt\na person walks, then waves\n", "put text with commas in quotes"),
        ("seconds\n2\n", "column prompt"),
        ("prompt\n", "no rows"),
        ("prompt,output\na,x\nb,X\n", "row 1 writes there too"),
        ("prompt,output\na,/etc/passwd\n", "inside the output folder"),
        ("prompt,output\na,.hidden\n", "inside the output folder"),
        ('prompt\n"a person', "cannot be understood"),
    ],
)
def test_tables_that_cannot_be_run(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read_table(_write(tmp_path, text))


def test_many_problems_are_counted(tmp_path: Path) -> None:
    path = _write(tmp_path, "prompt,seconds\n" + "a person waves,x\n" * 30)
    with pytest.raises(TableError, match=r"30 problems.*and 18 more") as caught:
        read_table(path)
    assert len(caught.value.problems) == 30


def test_damaged_and_missing_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match="does not exist"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TableError, match="cannot be understood"):
        read_table(_write(tmp_path, '{"prompt": 1}', "table.json"))
    (tmp_path / "latin.csv").write_bytes("prompt\nein Mann fährt\n".encode("latin-1"))
    with pytest.raises(TableError, match="UTF-8"):
        read_table(tmp_path / "latin.csv")
