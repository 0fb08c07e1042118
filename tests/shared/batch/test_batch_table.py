"""Tables of prompts: what is understood, and what is said about what is not."""

from pathlib import Path

import pytest

from shared.batch.cells import TableError
from shared.batch.table import announcements, read_table
from shared.errors import PlacidError
from shared.filming.orders import split_rig
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
        read_table(path).check(CAPABILITIES, with_rigs=True)
    return [(p.row, p.column, p.value) for p in caught.value.problems]


def test_every_column_is_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "prompt,seconds,takes,seed,safety,model,concept,rig,camera,output\n"
        '"a person walks, then waves",4.5,2,7,uce,momask,violence; kick,rigify,side,walks/one\n',
    )
    table = read_table(path)
    [row] = table.rows
    request = row.request
    assert (request.prompt, request.seconds) == ("a person walks, then waves", 4.5)
    assert (request.takes, request.seed, request.safety) == (2, 7, "uce")
    assert (request.model, request.concepts) == ("momask", ("violence", "kick"))
    assert (row.rig, row.camera, row.output) == ("rigify", "side", "walks/one")
    assert list(row.seeds) == [7, 8]
    table.check(CAPABILITIES)


def test_the_prompt_alone_is_enough_and_names_the_output(tmp_path: Path) -> None:
    text = "prompt\nA person waves\n\na  person waves\na person\n"
    rows = read_table(_write(tmp_path, text)).rows
    assert [row.output for row in rows] == ["a-person-waves", "a-person-waves-2", "a-person"]
    assert rows[0].request.seconds is None
    assert rows[0].request.safety is None


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_decimal_commas_and_a_byte_order_mark(
    tmp_path: Path, delimiter: str
) -> None:
    text = f"\ufeffprompt{delimiter}seconds\na person waves{delimiter}2,5\n"
    [row] = read_table(_write(tmp_path, text)).rows
    assert row.request.seconds == 2.5


def test_json_has_the_same_columns(tmp_path: Path) -> None:
    text = '[{"prompt": "a person waves", "takes": 3, "concept": ["kick"]}]'
    [row] = read_table(_write(tmp_path, text, "table.json")).rows
    assert row.request.takes == 3
    assert row.request.concepts == ("kick",)


def test_what_rows_forget_is_told_where_it_is_not_violence_alone(tmp_path: Path) -> None:
    rows = "".join(
        f"a person waves,{safety},{concept}\n"
        for safety, concept in [
            ("uce", ""),
            ("uce", "kick"),
            ("", "crawl"),
            ("off", ""),
            ("uce", "kick"),
            ("uce", "crawl; -violence"),
        ]
    )
    table = read_table(_write(tmp_path, f"prompt,safety,concept\n{rows}"))
    assert announcements(table.rows) == [
        "rows 2, 5: forgets kick; other violence (guns, martial_arts, punch, weapons) is free",
        "row 3: forgets violence and crawl",
        "row 4: safety off, violence is free",
        "row 6: forgets crawl; violence is free",
    ]


def test_the_token_guard_is_a_column(tmp_path: Path) -> None:
    text = "prompt,safety,token_guard\n" + "".join(
        f"a person waves,uce,{cell}\n" for cell in ("yes", "No", "", "maybe")
    )
    table = read_table(_write(tmp_path, text))
    assert [row.request.token_guard for row in table.rows] == [True, False, None, None]
    assert [(p.row, p.column, p.value) for p in table.problems] == [(4, "token_guard", "maybe")]
    assert announcements(table.rows) == ["row 1: forgets violence; draws violence anew"]


def test_a_concept_without_meaning_is_told_in_its_column(tmp_path: Path) -> None:
    text = "prompt,safety,concept\n" + "".join(
        f"a person waves,uce,{concept}\n" for concept in (".", "-kick", "🦵")
    )
    path = _write(tmp_path, text)
    assert _problems(path) == [(1, "concept", "."), (2, "concept", "-kick"), (3, "concept", "🦵")]


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
        (2, "rig", "hero"),
        (2, "camera", "above"),
        (2, "output", "../away"),
    ]
    with pytest.raises(TableError, match="row 1, column seconds, value 'long': write a number"):
        read_table(path).check(None)


def test_what_the_cells_and_what_the_backend_say_is_told_in_one_round(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "prompt,seconds,takes,camera,model,safety\n"
        "a person waves,400,many,above,bam,ucee\n"
        ",20,99,side,momask,uce\n",
    )
    assert _problems(path) == [
        (1, "seconds", "400.0"),
        (1, "takes", "many"),
        (1, "safety", "ucee"),
        (1, "model", "bam"),
        (1, "camera", "above"),
        (2, "prompt", ""),
        (2, "seconds", "20.0"),
        (2, "takes", "99"),
    ]


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
        (2, "safety", "ucee"),
        (2, "model", "bam"),
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
        ("", "no rows"),
        ("\n\n,,\n", "no rows"),
        ("sep=;\n", "no rows"),
        ("prompt,output\na,x\nb,X\n", "row 1 writes there too"),
        ("prompt,output\na,\u00e9\nb,e\u0301\n", "row 1 writes there too"),
        ("prompt,output\na,stra\u00dfe\nb,STRASSE\n", "row 1 writes there too"),
        ("prompt,output\na,/etc/passwd\n", "inside the output folder"),
        ("prompt,output\na,a//b\n", "inside the output folder"),
        ("prompt,output\na,.hidden\n", "with a dot"),
        ("prompt,output\na,walks./b\n", "end none with a dot"),
        ("prompt,output\na,walks/b.\n", "end none with a dot"),
        ("prompt,output\na,walks /b\n", "with a blank"),
        ("prompt,output\na,LPT1/x\n", "device on Windows"),
        ("prompt,output\na,x/Nul.walk\n", "device on Windows"),
        ("prompt,output\na,com\u00b9\n", "device on Windows"),
        ("prompt,output\na,x\u202ey\n", "cannot be seen"),
        ("prompt,output\na,C:\\x\n", "letters, digits"),
        ("prompt,output\na,x-0.npz/y\n", "name no folder with"),
        ("prompt,output\na,X-0-FRAMES/y\n", "name no folder with"),
        ('prompt\n"a person', "is not a table"),
        ("prompt,prompt\na,b\n", "two columns 'prompt'"),
        ("prompt,,seconds\na,,2\n", "no heading over column 2"),
        ("prompt," + "c," * 60 + "c\na\n", "has 62 columns"),
        ("prompt,seconds\na," + "9" * 500 + "\n", "write a number"),
        ("prompt,seed\na,inf\n", "write a number"),
        ("prompt,rig\na,\\\\host\\share\\x.blend\n", "another machine"),
        ("prompt,rig\na,//host/share/x.blend\n", "another machine"),
    ],
)
def test_tables_that_cannot_be_run(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said) as caught:
        read_table(_write(tmp_path, text)).check(None, with_rigs=True)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nprompt;seconds\na person waves;2,5\n",
        '"sep=;"\nprompt;seconds\na person waves;2,5\n',
        "SEP=\t\nprompt\tseconds\na person waves\t2.5\n",
        "\n\n\nprompt,seconds\na person waves,2.5\n",
        ",,,\n;;\nprompt,seconds\na person waves,2.5\n",
        "prompt,seconds,,\na person waves,2.5,,\n,,,\n",
        "prompt,seconds,,\r\na person waves,2.5\r\n\r\n,,,\r\n",
        "prompt,seconds\ra person waves,2.5\r",
        " Prompt , SECONDS \na person waves,2.5\n",
        "prompt,seconds\na person waves,2.5,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_write_is_understood(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    [row] = read_table(path).rows
    assert (row.request.prompt, row.request.seconds) == ("a person waves", 2.5)


def test_outputs_have_one_form_of_unicode(tmp_path: Path) -> None:
    [row] = read_table(_write(tmp_path, "prompt,output\na,caf\u0065\u0301\n")).rows
    assert row.output == "caf\u00e9"


def test_a_hash_in_a_file_or_an_armature_does_not_part_them() -> None:
    assert split_rig("a #1/hero.blend#Guard #2") == ("a #1/hero.blend", "Guard #2")
    assert split_rig("hero.BLEND#Arm") == ("hero.BLEND", "Arm")
    assert split_rig("hero.blend") == ("hero.blend", "")
    assert split_rig("take#3.blend") == ("take#3.blend", "")


def test_many_problems_are_counted(tmp_path: Path) -> None:
    path = _write(tmp_path, "prompt,seconds\n" + "a person waves,x\n" * 30)
    with pytest.raises(TableError, match=r"30 problems.*and 18 more") as caught:
        read_table(path).check(None)
    assert len(caught.value.problems) == 30


def test_damaged_and_missing_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match="does not exist"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TableError, match="is not a table"):
        read_table(_write(tmp_path, '{"prompt": 1}', "table.json"))
    (tmp_path / "latin.csv").write_bytes("prompt\nein Mann fährt\n".encode("latin-1"))
    with pytest.raises(TableError, match="UTF-8"):
        read_table(tmp_path / "latin.csv")
