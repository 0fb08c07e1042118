"""`backend eval run` on HumanML3D and Motion-X with the published evaluator, all of them tiny."""

import json
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from clip_files import write_clip
from command_line import run_backend
from goldens import weights
from launch import finish, options
from miniature_host import Host, files_below, serving, write_table, zipped
from official_files import EVALUATOR, SMALL, STATISTICS, write_release, write_statistics
from official_files import write_weights as write_tar

from backend.datasets.layouts import HUMANML3D
from backend.datasets.problems import ProblemTable
from backend.datasets.splits import SAFEMO_LISTS, IdList, PublishedList, recognise
from backend.datasets.text_motions import read_split
from backend.evaluation.benchmark.evaluation_context import EvaluationContext, open_yardstick
from backend.evaluation.benchmark.real_motions import RealMotions, read_motions
from backend.evaluation.benchmark.results import Results
from backend.evaluation.evaluators.embedded import EVALUATOR as SHIPPED
from backend.evaluation.evaluators.loading import find_official
from backend.models.matching import WordMatcher, WordMatcherConfig
from backend.unlearning.concept import find_concept
from shared.errors import PlacidError
from tests.backend.datasets.text_motion_files import rows, write_item, write_split

WORDS = ["sos", "eos", "unk", "a", "person", "kick", "punch", "walk", "sit", "white", "room"]
KICK = "a person kicks#a/DET person/NOUN kick/VERB#0.0#0.0"
PUNCH = "a person punches#a/DET person/NOUN punch/VERB#0.0#0.0"
STRUCK = "a person struck out#a/DET person/NOUN kick/VERB#0.0#0.0"
WHITE = "a person in a white room#a/DET person/NOUN white/ADJ room/NOUN#0.0#0.0"
WALK = "a person walks#a/DET person/NOUN walk/VERB#0.0#0.0"
SIT = "a person sits#a/DET person/NOUN sit/VERB#0.0#0.0"
PART = "he walks#a/DET walk/VERB#1.0#4.0"
FORGET = ("000001", "M000001", "000002", "000003", "000009")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny release of MoMask with CLIP, the published evaluator and GloVe vectors."""
    root = write_release(tmp_path_factory.mktemp("release") / "checkpoints", SMALL, bamm=False)
    write_clip(root / "clip")
    network = WordMatcher(
        WordMatcherConfig(
            movement_hidden=8, movement_latent=8, motion_hidden=8, text_hidden=8, output=8
        )
    )
    parts = ("movement_encoder", "motion_encoder", "text_encoder")
    write_tar(
        root / EVALUATOR,
        "finest.tar",
        {part: weights(getattr(network, part), 3, f"{part}.") for part in parts},
    )
    write_statistics(root / STATISTICS / "meta")
    # As in the published code, beside the checkpoints.
    glove = root.parent / "glove"
    glove.mkdir()
    vectors = np.random.default_rng(0).standard_normal((len(WORDS), 300))
    np.save(glove / "our_vab_data.npy", vectors)
    (glove / "our_vab_words.pkl").write_bytes(pickle.dumps(WORDS))
    numbers = {word: number for number, word in enumerate(WORDS)}
    (glove / "our_vab_idx.pkl").write_bytes(pickle.dumps(numbers))
    return root


@pytest.fixture(scope="module")
def humanml3d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine motions, one of them with a slice and one of them broken."""
    root = tmp_path_factory.mktemp("HumanML3D")
    lines = {
        "000001": (KICK, WALK),
        "M000001": (WALK, KICK),
        "000002": (PUNCH,),
        "000003": (WHITE,),
        "000009": (STRUCK,),
        "000004": (WALK,),
        "000005": (SIT, PART),
        "000006": (SIT,),
        "000007": (WALK,),
    }
    for number, (name, captions) in enumerate(lines.items()):
        write_item(root, name, *captions, features=rows(90 + number, seed=number))
    np.save(root / "new_joint_vecs" / "000007.npy", np.zeros((60, 251), np.float32))
    write_split(root, "test", *lines)
    return root


def test_a_miniature_release_goes_from_download_to_table(
    humanml3d: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    files, glove = files_below(release), files_below(release.parent, "glove")
    below = len("t2m/")
    theirs = {n[below:]: c for n, c in files.items() if n.startswith((EVALUATOR, STATISTICS))}
    clip = {n.removeprefix("clip/"): c for n, c in files.items() if n.startswith("clip/")}
    others = {
        n: c for n, c in files.items() if not n.startswith("clip/") and n[below:] not in theirs
    }
    host = Host()
    host.repositories |= {"small/momask": others, "small/clip": clip, "small/glove": glove}
    host.drive["evaluator"] = zipped(theirs)
    packed = {"host": "drive", "id": "evaluator", "archive": "evaluator.zip", "to": "t2m"}
    with serving(host):
        releases = {
            "momask": (["clip"], ["rvq"], [{"host": "hub", "id": "small/momask"}]),
            "clip": ([], [], [{"host": "hub", "id": "small/clip", "to": "clip"}]),
            "evaluator": ([], ["evaluator"], [packed, {"host": "hub", "id": "small/glove"}]),
        }
        table = write_table(tmp_path / "releases.toml", host, releases)
        where = ["--checkpoints", tmp_path / "checkpoints"]
        told = ["--table", table, "--accept-licence"]
        code, printed, errors = run_backend("download", "momask", "evaluator", *where, *told)
    assert code == 0, errors
    assert "Motions can be generated." in printed
    assert (tmp_path / "checkpoints" / "edits" / "momask-uce-violence.safetensors").exists()
    run = tmp_path / "run"
    code, printed = finish("run", *options(humanml3d, run), *where, "--models", "momask")
    assert code == 0, printed
    found = msgspec.json.decode((run / "results.json").read_bytes(), type=Results)
    assert found.figure("momask", "uce", "forget", "fid_corrected") is not None


def opened(
    data: Path, release: Path, concept: str = "violence", strict: bool = False
) -> EvaluationContext:
    return open_yardstick(data, release, find_concept(concept), strict=strict)


def test_the_whole_command_measures_with_the_data_set(
    humanml3d: Path, release: Path, tmp_path: Path
) -> None:
    given = [*options(humanml3d, tmp_path), "--checkpoints", release, "--models", "momask"]
    code, printed = finish("run", *given)
    assert code == 0, printed
    assert "000007" in (tmp_path / "problems.csv").read_text()
    assert "its shape is (60, 251)" in (tmp_path / "problems.csv").read_text()
    found = msgspec.json.decode((tmp_path / "results.json").read_bytes(), type=Results)
    for method in ("original", "uce"):
        for suite in ("forget", "retain"):
            for metric in ("fid_corrected", "mm_dist", "ncs_1_corrected"):
                assert found.figure("momask", method, suite, metric) is not None
        assert found.figure("momask", method, "forget", "mm_safe_corrected") is not None
    # No tagger is there for written prompts: motions alone are compared.
    assert found.figure("momask", "uce", "over_blocking", "moved") is not None
    assert found.figure("momask", "uce", "over_blocking", "over_blocking") is None
    assert any("do not give the published forget list of 304" in note for note in found.notes)
    manifest = json.loads((tmp_path / "protocol.json").read_text())
    assert (manifest["data"], manifest["part"], manifest["match"]) == (
        "HumanML3D",
        "test",
        "published",
    )
    assert {"evaluator", "statistics", "split", "motions"} <= manifest["sha256"].keys()

    # Begun again, even with every result lost, it does not embed the real motions again.
    kept = tmp_path / "real_motions.safetensors"
    before = (tmp_path / "results.json").read_bytes(), kept.read_bytes(), kept.stat().st_mtime_ns
    (tmp_path / "results.json").unlink()
    code, printed = finish("run", *given)
    assert code == 0, printed
    after = (tmp_path / "results.json").read_bytes(), kept.read_bytes(), kept.stat().st_mtime_ns
    assert after == before

    changed = shutil.copytree(humanml3d, tmp_path / "changed")
    np.save(changed / "new_joint_vecs" / "000006.npy", rows(80, seed=99))
    code, printed = finish("run", *given, "--data", changed)
    assert code == 1
    assert "sha256.motions was" in printed
    assert (kept.read_bytes(), kept.stat().st_mtime_ns) == before[1:]


def test_the_published_split_decides_and_a_slice_goes_with_its_motion(
    humanml3d: Path, release: Path, tmp_path: Path
) -> None:
    context = opened(humanml3d, release)
    by_name = dict(zip((row.clip for row in context.rows), context.is_forget.tolist(), strict=True))
    assert by_name == {
        **dict.fromkeys(FORGET, True),
        **dict.fromkeys(("000004", "000005", "1%000005", "000006"), False),
    }
    frames = {row.clip: row.frames for row in context.rows}
    assert frames["000001"] == 88
    assert frames["1%000005"] == 60
    # The motion is the first 88 of its 90 frames.
    again = context.evaluator.embed_motions([rows(90, seed=0)[:88]])
    real = context.embed(tmp_path / "kept")
    assert len(real) == len(context.rows)
    np.testing.assert_allclose(real[:1], again, atol=1e-5)
    other = opened(humanml3d, release, "kick")
    assert other.hashes["split"] != context.hashes["split"]
    assert other.hashes["motions"] == context.hashes["motions"]


class _Counting:
    """An evaluator that counts the motions that it embeds."""

    name, width = "counting", 2

    def __init__(self, fingerprint: str = "a") -> None:
        self.fingerprint, self.count = fingerprint, 0

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        self.count += len(features)
        return np.array([[len(rows), rows[0, 0]] for rows in features], np.float32)

    def embed_texts(self, captions: Sequence[str], masked: Sequence[str] = ()) -> np.ndarray:
        raise NotImplementedError


def real_motions(data: Path) -> RealMotions:
    problems = ProblemTable()
    return read_motions(read_split(data, HUMANML3D, "test", problems), HUMANML3D, problems)


class TestKeptEmbeddings:
    def test_are_read_again_for_the_same_motions_and_evaluator_alone(
        self, humanml3d: Path, tmp_path: Path
    ) -> None:
        motions, path = real_motions(humanml3d), tmp_path / "kept.safetensors"
        first = _Counting()
        embedded = motions.embed(first, path)
        assert first.count == len(motions.rows) == len(embedded)
        again = _Counting()
        np.testing.assert_array_equal(real_motions(humanml3d).embed(again, path), embedded)
        assert again.count == 0

        other = _Counting("b")
        motions.embed(other, path)
        assert other.count == len(motions.rows)

        changed = shutil.copytree(humanml3d, tmp_path / "changed")
        np.save(changed / "new_joint_vecs" / "000006.npy", rows(80, seed=99))
        others = real_motions(changed)
        found = others.embed(other, path)
        assert other.count == 2 * len(motions.rows)
        assert not np.array_equal(found, embedded)

    @pytest.mark.parametrize("content", [b"", b"no safetensors", None])
    def test_that_are_damaged_are_made_again(
        self, humanml3d: Path, tmp_path: Path, content: bytes | None
    ) -> None:
        motions, path = real_motions(humanml3d), tmp_path / "kept.safetensors"
        embedded = motions.embed(_Counting(), path)
        whole = path.read_bytes()
        path.write_bytes(whole[:-4] if content is None else content)
        np.testing.assert_array_equal(motions.embed(_Counting(), path), embedded)
        again = _Counting()
        np.testing.assert_array_equal(motions.embed(again, path), embedded)
        assert again.count == 0
        assert [file.name for file in tmp_path.iterdir()] == [path.name]

    def test_are_not_made_of_motions_that_change_meanwhile(
        self, humanml3d: Path, tmp_path: Path
    ) -> None:
        copy, path = shutil.copytree(humanml3d, tmp_path / "data"), tmp_path / "kept.safetensors"
        motions = real_motions(copy)
        np.save(copy / "new_joint_vecs" / "000006.npy", rows(80, seed=99))
        with pytest.raises(PlacidError, match="changed while it was read"):
            motions.embed(_Counting(), path)
        (copy / "new_joint_vecs" / "000006.npy").unlink()
        with pytest.raises(PlacidError, match=r"000006\.npy changed while it was read"):
            motions.embed(_Counting(), path)
        assert not path.exists()


@pytest.mark.parametrize("dataset", [None, "humanml3d"])
def test_a_folder_without_data_is_named_with_what_belongs_into_it(
    release: Path, tmp_path: Path, dataset: str | None
) -> None:
    folder = tmp_path / "mine"

    def said() -> str:
        with pytest.raises(PlacidError) as caught:
            open_yardstick(folder, release, find_concept("violence"), dataset)
        assert caught.value.code == "no_data"
        return caught.value.message

    message = said()
    assert f"--data {folder} does not exist; name a folder with " in message
    for expected in ("new_joint_vecs", "texts", "Mean.npy", "Std.npy", "test.txt"):
        assert expected in message
    assert "evaluator.safetensors" in message
    folder.mkdir()
    assert f"{folder} is empty; " in said()
    (folder / "notes.md").touch()
    assert "holds neither a data set nor an evaluator; " in said()
    (folder / "HumanML3D" / "texts").mkdir(parents=True)
    assert said().endswith(f"name {folder / 'HumanML3D'}")
    shutil.rmtree(folder)
    folder.touch()
    assert f"{folder} is a file; " in said()


def test_half_an_evaluator_is_told_from_a_data_set(release: Path, tmp_path: Path) -> None:
    (tmp_path / "reference.json").touch()
    with pytest.raises(PlacidError, match=r"reference motions in .* cannot be read"):
        opened(tmp_path, release)


def test_toxic_terms_are_looked_for_and_masked_in_the_tagged_words(
    humanml3d: Path, release: Path
) -> None:
    context = opened(humanml3d, release)
    terms = context.concept.keywords
    captions = ["a person struck out", "a person walks"]
    assert [context.toxic(text) for text in captions] == [True, False]
    plain = context.evaluator.embed_texts(captions)
    masked = context.evaluator.embed_texts(captions, terms)
    np.testing.assert_array_equal(masked[1], plain[1])
    assert np.abs(masked[0] - plain[0]).max() > 1e-4
    assert not context.reads(["a written prompt"])


def test_a_list_of_ids_is_the_forget_set_and_published_ones_are_known_by_name(
    humanml3d: Path, release: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("000004\n000005\n012345\n")
    context = open_yardstick(
        humanml3d, release, find_concept("violence"), forget_list=path, split="test"
    )
    kept = {row.clip for row, shows in zip(context.rows, context.is_forget, strict=True) if shows}
    assert kept == {"000004", "000005", "1%000005"}
    assert context.about["match"] == "own list"
    assert any("3 ids that no publication names" in note for note in context.notes)
    assert any("1 of these ids are not in the split 'test'" in note for note in context.notes)
    path.write_text("000004\n000004\n")
    with pytest.raises(PlacidError, match=r"mine\.txt.*one of them twice"):
        open_yardstick(humanml3d, release, find_concept("violence"), forget_list=path)
    with pytest.raises(PlacidError, match="about a data set"):
        open_yardstick(SHIPPED, release, find_concept("violence"), forget_list=path)


def test_published_lists_are_known_by_count_and_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name: known.count for name, known in SAFEMO_LISTS.items()} == {
        "lcr_official_test": 304,
        "lcr_wholeset_reimplementation": 2194,
        "safemo_unsafe": 2618,
    }
    ids = IdList(("000001", "000002"))
    assert recognise(ids) is None
    monkeypatch.setitem(SAFEMO_LISTS, "made_up", PublishedList(2, ids.sha256))
    assert recognise(ids) == "made_up"
    assert recognise(IdList(("000002", "000001"))) is None


def test_strict_stops_at_the_broken_item(humanml3d: Path, release: Path) -> None:
    with pytest.raises(PlacidError, match=r"000007.*its shape is \(60, 251\)"):
        opened(humanml3d, release, strict=True)


def test_own_keywords_are_words_of_the_captions(humanml3d: Path, release: Path) -> None:
    context = opened(humanml3d, release, "sit,")
    assert [row.clip for row, kept in zip(context.rows, context.is_forget, strict=True) if kept]
    assert context.about["match"] == "word"
    assert any("no 'sit' for HumanML3D" in note for note in context.notes)


def test_motion_x_with_bare_captions_has_motions_and_says_what_is_missing(
    release: Path, tmp_path: Path
) -> None:
    folders = {"motions": "motion_data/vector_263", "texts": "texts/semantic_labels"}
    names = [f"kungfu/subset_0001/clip_{i}" for i in range(4)]
    for i, name in enumerate(names):
        text = "an aerial kick" if i % 2 else "a person walks"
        write_item(tmp_path, name, text, features=rows(60, seed=i), **folders)
    write_split(tmp_path, "test", *names)
    context = opened(tmp_path, release)
    assert context.about["data"] == "Motion-X"
    assert context.is_forget.tolist() == [False, True, False, True]
    assert context.toxic("an aerial kick")
    assert not context.reads(["an aerial kick"])
    assert any("4 of 4 motions have no caption with tagged words" in n for n in context.notes)


def test_what_is_not_there_is_named_with_a_remedy(
    humanml3d: Path, release: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(release, tmp_path / "far" / "away" / "checkpoints")
    with pytest.raises(PlacidError, match=r"no folder glove.*glove\.zip"):
        opened(humanml3d, copy)
    shutil.copytree(copy / EVALUATOR, copy / "other" / "text_mot_match")
    (copy / "glove").mkdir()
    assert find_official(copy, "HumanML3D").folder == copy / "t2m"
    with pytest.raises(PlacidError, match="more than one evaluator"):
        find_official(copy, "Motion-X")
    shutil.rmtree(copy / "other")
    shutil.rmtree(copy / EVALUATOR)
    with pytest.raises(PlacidError, match=r"no published evaluator.*--checkpoints"):
        opened(humanml3d, copy)
    empty = tmp_path / "data"
    write_item(empty, "000001", KICK)
    (empty / "new_joint_vecs" / "000001.npy").unlink()
    write_split(empty, "test", "000001")
    with pytest.raises(PlacidError, match=r"1 are broken, the first because missing"):
        opened(empty, release)
