import re

import pytest

from backend.datasets import phrases
from backend.datasets.actions import VIOLENT_KINDS, Action
from backend.datasets.captions import verb_phrases
from backend.unlearning.concept import Concept, builtin_concepts, find_concept, load_concept
from backend.unlearning.errors import UnlearningError

BUILTIN = builtin_concepts()


def test_every_published_concept_is_built_in():
    assert sorted(BUILTIN) == [
        "crawl",
        "duck",
        "guns",
        "jump",
        "kick",
        "martial_arts",
        "punch",
        "throw",
        "violence",
        "weapons",
        "zombie",
    ]


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_prompts_agree_with_keywords(name):
    concept = BUILTIN[name]
    assert concept.name == name
    assert concept.description
    assert concept.forget_prompts
    assert all(concept.matches(prompt) for prompt in concept.forget_prompts)
    assert len(concept.retain_prompts) >= 5
    assert len(concept.implicit_prompts) >= 3
    wordings = [concept]
    wordings += [concept.as_published(dataset) for dataset in concept.published.keywords]
    for wording in wordings:
        named = [p for p in concept.implicit_prompts + concept.retain_prompts if wording.matches(p)]
        assert named == []


@pytest.mark.parametrize(
    ("keyword", "caption", "word", "substring"),
    [
        ("kick", "A person KICKS hard", True, True),
        ("kick", "someone is kicking.", True, True),
        ("hit", "hitting a ball", True, True),
        ("hit", "a white shirt", False, True),
        ("strike", "striking twice", True, False),
        ("hook", "he shook hands", False, True),
        ("gun", "the race has begun", False, True),
        ("kung fu", "he does kung fu", True, True),
        ("c.t", "a cat", False, False),
    ],
)
def test_match_modes(keyword, caption, word, substring):
    assert Concept("x", (keyword,)).matches(caption) is word
    assert Concept("x", (keyword,), match="substring").matches(caption) is substring


def test_published_keywords():
    punch = BUILTIN["punch"]
    assert "box" in punch.as_published("Motion-X").keywords
    assert punch.as_published("HumanML3D").matches("a white shirt")
    with pytest.raises(UnlearningError, match="no concept 'guns' for HumanML3D"):
        BUILTIN["guns"].as_published("HumanML3D")


def test_find_concept():
    assert find_concept("kick") is BUILTIN["kick"]
    assert find_concept("punch_jab_box_hit_beat") is BUILTIN["punch"]
    own = find_concept("hop, sit ,")
    assert own.keywords == ("hop", "sit")
    assert own.name == "hop_sit"
    assert "sit" not in own.retain_prompts
    assert "walk" in own.retain_prompts
    assert find_concept("backflip") == find_concept("backflip,")
    assert find_concept("Kung Fu, high-kick").name == "kung_fu_high_kick"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kikc", "did you mean 'kick'"),
        ("kicks", "'kicks,'"),
        ("", "unknown concept ''"),
        (", ,", "needs keywords"),
        ("absent.toml", "the concept file absent.toml does not exist"),
    ],
)
def test_unusable_concepts_are_refused(text, message):
    with pytest.raises(UnlearningError, match=message):
        find_concept(text)


def test_own_file(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('name = "wave"\nkeywords = ["wave"]\nmatch = "substring"\n')
    assert load_concept(path) == find_concept(str(path))
    assert load_concept(path).matches("microwaves")
    for wrong in ("keywords = 3", 'name = "a"\nkeywords = ["b"]\nmach = "word"', "name = ", "= ["):
        path.write_text(wrong)
        with pytest.raises(UnlearningError, match=r"own\.toml is not a concept"):
            load_concept(path)
    path.write_text('name = "a"\nkeywords = []')
    with pytest.raises(UnlearningError, match="needs keywords"):
        load_concept(path)


VIOLENCE = find_concept("violence")


@pytest.mark.parametrize("kind", sorted(set(phrases.kinds()) - VIOLENT_KINDS))
def test_no_wording_of_a_harmless_action_is_violence(kind):
    for variant in (None, *phrases.variants(kind)):
        action = Action(kind, variant=variant)
        said = [*verb_phrases(action), *phrases.templates(action, "nouns")]
        assert [text for text in said if VIOLENCE.matches(text)] == []


def test_violence_is_what_the_data_calls_violent():
    assert set(VIOLENCE.kinds) == VIOLENT_KINDS


def test_concepts_of_one_name_and_other_keywords_have_other_keys():
    assert BUILTIN["kick"].key == "kick"
    own = [find_concept(text) for text in ("crawl, creep", "crawl creep,", "creep, crawl")]
    assert own[0].name == own[1].name == "crawl_creep"
    assert len({concept.key for concept in own}) == 3
    assert all(concept.key.startswith(f"{concept.name}-") for concept in own)
    assert Concept("kick", ("hop",)).key != "kick"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "../../x"\nkeywords = ["hop"]', "call it 'x'"),
        ('name = "jab/cross"\nkeywords = ["jab"]', "call it 'jab_cross'"),
        ('name = "a\\u0000b"\nkeywords = ["hop"]', "call it 'a_b'"),
        ('name = "Hop"\nkeywords = ["hop"]', "call it 'hop'"),
        ('name = "violence"\nkeywords = ["flower"]', "takes the name 'violence'"),
        ('name = "kick"\nkeywords = ["kick"]', "call it my_kick"),
        ('name = "dot"\nkeywords = ["."]', "means nothing"),
        ('name = "hop"\nkeywords = ["hop", "🦵"]', "means nothing"),
        ('name = "hop"\nkeywords = [' + '"hop",' * 257 + "]", "has 257 keywords"),
        ('name = "hop"\nkeywords = ["' + "hop" * 200 + '"]', "of more than 500"),
        ('name = "hop"\nkeywords = ' + "[" * 5000 + "]" * 5000, "nested too deeply"),
    ],
)
def test_concept_files_that_cannot_be_meant_are_refused(tmp_path, text, message):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnlearningError, match=re.escape(message)):
        find_concept(str(path))


@pytest.mark.parametrize(
    "path", [r"\\\\host\share\x.toml", "//host/share/x.toml", "smb://h/x.toml"]
)
def test_concept_files_of_other_computers_are_not_opened(path):
    with pytest.raises(UnlearningError, match="on another computer"):
        find_concept(path)


def test_keywords_of_a_shipped_concept_are_that_concept():
    assert find_concept("kick,") is BUILTIN["kick"]
    own = find_concept("throw, hurl")
    assert own.name == "throw_hurl"
    assert find_concept("zombie,").name == "own_zombie"
