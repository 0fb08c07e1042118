"""Official folders: found, loaded strictly, and turned into motion by the command line."""

import hashlib
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import write_clip
from goldens import weight
from official_files import (
    BAMM_FOLDER,
    LENGTH,
    MASKED,
    RESIDUAL,
    RVQ,
    SEED,
    SMALL,
    Sizes,
    write_release,
)

from backend import cli
from backend.checkpoints.loading import load_checkpoint
from backend.commands.diagnostics import can_generate, examine_release
from backend.generation.generator import Generator
from backend.models.reference_quirks import CORRECTED, PUBLISHED
from shared.errors import PlacidError
from shared.motion.motion import load_motion
from shared.protocol.messages import Generate

CHECKOUT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The small release with CLIP beside it; tests that change files work on a copy."""
    root = write_release(tmp_path_factory.mktemp("official") / "checkpoints")
    write_clip(root / "clip")
    return root


@pytest.fixture
def copy(release, tmp_path):
    return shutil.copytree(release, tmp_path / "checkpoints")


def run(monkeypatch, *arguments):
    """The command line's own entry, in this process; gives its exit code."""
    monkeypatch.setattr(sys, "argv", ["backend", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def check_motion(out, model, frames):
    [path] = out.glob("*.npz")
    motion = load_motion(path)
    assert motion.joints.shape == (frames, 22, 3)
    assert np.isfinite(motion.joints).all()
    assert motion.provenance["model"] == model
    assert motion.provenance["safety"] == "off"


@pytest.mark.parametrize("preset", ["default", "published"])
@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_the_command_line_generates_from_official_folders(
    release, tmp_path, monkeypatch, model, preset
):
    where = ["--checkpoints", release, "--device", "cpu", "--out", tmp_path]
    options = ["--model", model, "--seconds", "2", "--safety", "off", "--preset", preset, *where]
    assert run(monkeypatch, "generate", "a person walks", *options) == 0
    check_motion(tmp_path, model, 40)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["momask", "bamm"])
def test_a_complete_release_at_official_sizes(tmp_path, model):
    root = write_release(tmp_path / "checkpoints", Sizes())
    clip = write_clip(tmp_path / "ViT-B-32")
    command = [sys.executable, "-m", "backend", "generate", "a person walks", "--model", model]
    command += ["--seconds", "2", "--checkpoints", str(root), "--encoder", str(clip)]
    command += ["--safety", "off", "--device", "cpu", "--out", str(tmp_path / "out")]
    subprocess.run(command, cwd=CHECKOUT, check=True)
    check_motion(tmp_path / "out", model, 40)


def test_every_network_gets_its_files_tensors(release):
    checkpoint = load_checkpoint(release)
    assert checkpoint.networks.keys() == {"rvq", "masked", "bamm", "residual", "length"}
    for network in checkpoint.networks.values():
        for key, value in network.module.state_dict().items():
            if not key.endswith("position_enc.pe"):
                wanted = weight(key, tuple(value.shape), SEED)
                np.testing.assert_array_equal(value.numpy(), wanted, err_msg=key)
    file = release / MASKED / "model" / "latest.tar"
    assert checkpoint.hashes["masked"] == hashlib.sha256(file.read_bytes()).hexdigest()
    np.testing.assert_array_equal(checkpoint.mean, np.load(release / RVQ / "meta" / "mean.npy"))
    np.testing.assert_array_equal(checkpoint.std, np.load(release / RVQ / "meta" / "std.npy"))


def test_capabilities_report_what_is_there(release, copy):
    whole = Generator(release, "cpu").capabilities()
    assert [model.name for model in whole.models] == ["momask", "bamm"]
    assert whole.encoder == "CLIP ViT-B/32"
    # Safety is off only when somebody says so.
    assert whole.default_safety == "uce"
    shutil.rmtree(copy / BAMM_FOLDER)
    part = Generator(copy, "cpu").capabilities()
    assert [model.name for model in part.models] == ["momask"]


def test_a_residual_transformer_without_shared_weights(tmp_path):
    sizes = Sizes(**{**vars(SMALL), "shared": False})
    root = write_release(tmp_path / "checkpoints", sizes, bamm=False)
    network = load_checkpoint(root).networks["residual"].module
    assert network.quirks == CORRECTED
    assert "output_proj_bias" in network.state_dict()
    arguments = (
        torch.zeros(1, 3, SMALL.code_dim),
        torch.tensor([1]),
        torch.zeros(1, 512),
        torch.tensor([3]),
    )
    bias = network.output_proj_bias[0].unsqueeze(-1)
    once = network(*arguments) - bias
    doubled = load_checkpoint(root, quirks=PUBLISHED).networks["residual"].module
    torch.testing.assert_close(doubled(*arguments) - bias, 2 * once)


def change_state(path, name, change):
    content = torch.load(path, weights_only=True)
    change(content[name])
    torch.save(content, path)


def test_all_tensors_that_do_not_fit_are_named(copy):
    def change(state):
        del state["cond_emb.bias"]
        state["stray.weight"] = torch.zeros(2, 3)
        state["cond_emb.weight"] = torch.zeros(5, 512)

    change_state(copy / MASKED / "model" / "latest.tar", "t2m_transformer", change)
    with pytest.raises(PlacidError) as caught:
        load_checkpoint(copy)
    assert caught.value.code == "damaged_checkpoint"
    for words in (
        "latest.tar",
        "missing cond_emb.bias (16,)",
        "unexpected stray.weight (2, 3)",
        "cond_emb.weight has shape (5, 512), wanted (16, 512)",
    ):
        assert words in caught.value.message


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_carries_code_is_refused_unrun(copy, tmp_path, zipped):
    trap = tmp_path / "trap"
    path = copy / RESIDUAL / "model" / "net_best_fid.tar"
    if zipped:
        torch.save({"res_transformer": Intruder(trap)}, path)
    else:
        path.write_bytes(pickle.dumps({"res_transformer": Intruder(trap)}, protocol=2))
    with pytest.raises(PlacidError, match=r"net_best_fid\.tar cannot be used"):
        load_checkpoint(copy)
    assert not trap.exists()


def test_another_encoders_width_is_an_error_that_names_both(release, tmp_path):
    clip = write_clip(tmp_path / "clip", projection=24)
    with pytest.raises(PlacidError) as caught:
        Generator(release, "cpu", encoder_folder=clip)
    assert caught.value.code == "wrong_encoder"
    assert "CLIP ViT-B/32" in caught.value.message
    assert "24" in caught.value.message
    assert "512" in caught.value.message


def test_without_a_length_estimator_the_length_must_be_given(copy):
    shutil.rmtree(copy / LENGTH)
    generator = Generator(copy, "cpu")
    with pytest.raises(PlacidError, match="say how many seconds"):
        next(generator.generate(Generate("a person walks", safety="off")))
    [motion] = generator.generate(Generate("a person walks", 1.0, safety="off"))
    assert len(motion.joints) == 20


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("mean.npy", None, "does not exist"),
        ("std.npy", np.zeros(263, np.float32), "positive"),
        ("std.npy", np.ones(251, np.float32), r"\(263,\)"),
        ("mean.npy", np.full(263, np.nan, np.float32), "not numbers"),
    ],
)
def test_statistics_that_cannot_be_used(copy, name, values, words):
    path = copy / RVQ / "meta" / name
    if values is None:
        path.unlink()
    else:
        np.save(path, values)
    with pytest.raises(PlacidError, match=words) as caught:
        load_checkpoint(copy)
    assert str(path) in caught.value.message


def test_two_networks_for_one_place_are_not_guessed_at(copy):
    shutil.copytree(copy / MASKED, copy / "t2m" / "my_own")
    with pytest.raises(PlacidError, match="more than one masked transformer") as caught:
        load_checkpoint(copy)
    assert "my_own" in caught.value.message
    assert Path(MASKED).name in caught.value.message


def test_links_to_a_folder_do_not_make_it_two(copy):
    (copy / "HumanML3D").symlink_to(copy / "t2m")
    assert load_checkpoint(copy).models() == ["momask", "bamm"]


def test_transformers_of_an_absent_rvq_vae(copy):
    (copy / RVQ).rename(copy / "t2m" / "rvq_other")
    options = copy / "t2m" / "rvq_other" / "opt.txt"
    text = options.read_text(encoding="utf-8")
    options.write_text(re.sub("name: rvq.*", "name: rvq_other", text), encoding="utf-8")
    with pytest.raises(PlacidError, match=r"rvq_nq6.*not there \(there is: rvq_other\)"):
        load_checkpoint(copy)


def test_a_folder_without_checkpoints(tmp_path):
    with pytest.raises(PlacidError, match="holds no checkpoint"):
        load_checkpoint(tmp_path)


def test_the_doctor_names_what_it_found_and_what_is_missing(copy, monkeypatch, capsys):
    shutil.rmtree(copy / LENGTH)
    assert run(monkeypatch, "doctor", "--checkpoints", copy, "--device", "cpu") == 0
    said = capsys.readouterr().out
    for folder in (RVQ, MASKED, RESIDUAL, BAMM_FOLDER):
        [file] = (copy / folder / "model").glob("*.tar")
        [line] = [row for row in said.splitlines() if str(file.relative_to(copy)) in row]
        assert line.endswith(hashlib.sha256(file.read_bytes()).hexdigest())
        assert " ok " in line
    assert re.search(r"length estimator \(optional\): .*--seconds.*length_estimator", said)
    assert re.search(r"text encoder +ok +CLIP ViT-B/32, width 512", said)
    assert "Motions can be generated." in said


def test_the_doctor_finds_damage_and_fails(copy, monkeypatch, capsys):
    change_state(
        copy / BAMM_FOLDER / "model" / "latest.tar",
        "t2m_transformer",
        lambda state: state.pop("cond_emb.bias"),
    )
    shutil.rmtree(copy / "clip")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(monkeypatch, "doctor", "--checkpoints", copy) == 1
    said = capsys.readouterr().out
    assert "missing cond_emb.bias" in said
    assert re.search(r"text encoder \(missing\): .*--encoder.*--allow-download", said)
    assert "No motion can be generated" in said


GLOVE = ("our_vab_data.npy", "our_vab_words.pkl", "our_vab_idx.pkl")


def write_glove(folder, words=("sos", "eos", "unk", "kick")):
    folder.mkdir()
    np.save(folder / GLOVE[0], np.zeros((len(words), 300)))
    (folder / GLOVE[1]).write_bytes(pickle.dumps(list(words)))
    (folder / GLOVE[2]).write_bytes(pickle.dumps({word: i for i, word in enumerate(words)}))
    return folder


def glove_lines(checkpoints):
    found = [line for line in examine_release(checkpoints) if line.what == "GloVe vectors"]
    assert can_generate([*examine_release(checkpoints)])
    return found


class TestGloveInTheDoctor:
    @pytest.mark.parametrize("where", ["inside", "beside"])
    def test_every_file_is_found_and_hashed(self, copy, monkeypatch, capsys, where):
        folder = write_glove((copy if where == "inside" else copy.parent) / "glove")
        assert run(monkeypatch, "doctor", "--checkpoints", copy, "--device", "cpu") == 0
        said = capsys.readouterr().out
        for name in GLOVE:
            hashed = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            place = os.path.relpath(folder / name, copy)
            assert re.search(rf"^GloVe vectors +ok +{re.escape(place)} +{hashed}$", said, re.M)
        assert not re.search(r"^\d+\. GloVe", said, re.M)

    def test_without_the_folder_it_says_what_to_do(self, copy, monkeypatch, capsys):
        assert run(monkeypatch, "doctor", "--checkpoints", copy, "--device", "cpu") == 0
        said = capsys.readouterr().out
        assert re.search(r"^GloVe vectors +optional +- +-$", said, re.M)
        assert re.search(rf"GloVe vectors \(optional\): .*glove\.zip.*{copy}/glove", said)

    def test_a_missing_file_is_named(self, copy):
        folder = write_glove(copy / "glove")
        (folder / GLOVE[1]).unlink()
        vectors, words, rows = glove_lines(copy)
        assert (vectors.state, words.state, rows.state) == ("ok", "optional", "ok")
        assert words.place == f"glove/{GLOVE[1]}"
        assert f"glove.zip into {folder}" in words.remedy

    def test_damage_is_told_of_the_file_that_has_it(self, copy):
        folder = write_glove(copy / "glove")
        (folder / GLOVE[0]).write_bytes(b"no array")
        assert [line.state for line in glove_lines(copy)] == ["broken", "ok", "ok"]
        shutil.rmtree(folder)
        write_glove(folder, words=("kick",))
        lines = glove_lines(copy)
        assert [line.state for line in lines] == ["ok", "broken", "ok"]
        assert "lacks the word 'sos'" in lines[1].remedy

    def test_a_pickle_that_carries_code_is_refused_unrun(self, copy, tmp_path):
        folder, trap = write_glove(copy / "glove"), tmp_path / "trap"
        (folder / GLOVE[2]).write_bytes(pickle.dumps({"kick": Intruder(trap)}))
        lines = glove_lines(copy)
        assert [line.state for line in lines] == ["ok", "ok", "broken"]
        assert GLOVE[2] in lines[2].remedy
        assert not trap.exists()
