"""Which networks are recognised below a folder."""

import shutil

import pytest
import torch
from goldens import Golden
from official_files import BAMM_FOLDER, MASKED, RESIDUAL, RVQ, write_options, write_release

from backend.checkpoints.loading import load_checkpoint
from backend.checkpoints.official.layout import find_parts, is_official
from shared.errors import PlacidError


@pytest.fixture
def root(tmp_path):
    return write_release(tmp_path)


def kinds(root):
    return {str(part.folder.relative_to(root)): part.kind for part in find_parts(root)}


def test_bamm_is_told_from_momask_by_its_embedding(root):
    found = kinds(root)
    assert found[MASKED] == "masked"
    assert found[BAMM_FOLDER] == "bamm"
    assert len(found) == 5


def test_networks_of_another_skeleton_are_left_out(root):
    (root / "t2m").rename(root / "kit")
    assert set(kinds(root)) == {BAMM_FOLDER}


def test_a_folder_keeps_its_kind_when_its_weights_are_gone(root):
    for folder in (RVQ, RESIDUAL):
        for file in (root / folder / "model").iterdir():
            file.unlink()
    found = kinds(root)
    assert found[RVQ] == "rvq"
    assert found[RESIDUAL] == "residual"


def test_the_file_that_the_published_generation_loads_comes_first(root):
    model = root / RVQ / "model"
    for name in ("aaa.tar", "latest.tar"):
        (model / name).write_bytes((model / "net_best_fid.tar").read_bytes())
    part = next(part for part in find_parts(root) if part.kind == "rvq")
    assert part.file == model / "net_best_fid.tar"


def test_the_file_that_published_lcr_writes_is_an_rvq_vae(root):
    path = root / RVQ / "model" / "net_best_fid.tar"
    state = torch.load(path, weights_only=True)["vq_model"]
    keys = Golden("unlearn").strings("lcr_keys")
    torch.save({key: state if key == "vq_model" else [0] for key in keys}, path)
    assert kinds(root)[RVQ] == "rvq"


def test_options_without_the_number_of_codes_are_left_to_loading(root):
    shutil.rmtree(root / BAMM_FOLDER)
    path = root / RVQ / "opt.txt"
    path.write_text("name: x\n", encoding="utf-8")
    assert kinds(root)[RVQ] == "rvq"
    with pytest.raises(PlacidError, match="it has no stride_t"):
        load_checkpoint(root)


def test_damage_is_noted_and_not_raised(root):
    (root / MASKED / "model" / "latest.tar").write_bytes(b"damage")
    part = next(part for part in find_parts(root) if part.folder == root / MASKED)
    assert part.kind == "masked"
    assert part.problem is not None
    assert "it is damaged or no PyTorch file" in part.problem.message


def test_what_is_no_release(tmp_path):
    assert not is_official(tmp_path)
    write_options(tmp_path / "t2m" / "x", {"name": "x"})
    assert is_official(tmp_path)
    assert find_parts(tmp_path) == []
