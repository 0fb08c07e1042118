"""CLIP's text features, through the files of a tiny random CLIP."""

import numpy as np
import pytest
import torch
from clip_files import MERGES, write_clip
from safetensors.torch import load_file, save_file
from transformers import CLIPModel

from backend.text import clip_files
from backend.text.clip import ClipEncoder
from backend.text.encoders import make_encoder
from shared.errors import PlacidError
from shared.files import sha256

LONG = "walk " * 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip", projection=24)


def features(folder, ids):
    """The state at the end token, projected: the definition, on the network with both towers."""
    model = CLIPModel.from_pretrained(folder).eval()
    with torch.no_grad():
        hidden = model.text_model(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]
        return (hidden @ model.text_projection.weight.T).numpy()


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_vectors_are_projected_and_not_normalised(folder):
    encoder = make_encoder(ClipEncoder.name, folder)
    start, end = 512 + len(MERGES), 513 + len(MERGES)
    walk = 512 + MERGES.index(("wa", "lk</w>"))
    [vector] = encoder.encode(["  Walk walk"])
    close(vector, features(folder, [start, walk, walk, end]))
    assert encoder.width == 24
    assert abs(float(np.linalg.norm(vector)) - 1) > 0.1


def test_a_prompt_is_cut_to_77_tokens_that_end_in_the_end_token(folder):
    encoder = ClipEncoder(folder)
    start, end = 512 + len(MERGES), 513 + len(MERGES)
    walk = 512 + MERGES.index(("wa", "lk</w>"))
    [vector] = encoder.encode([LONG])
    close(vector, features(folder, [start, *[walk] * 75, end]))


def test_a_prompts_vector_does_not_depend_on_its_company(folder):
    alone = ClipEncoder(folder).encode(["a person"])
    among = ClipEncoder(folder).encode([LONG, "a person", "", "a person"])
    close(among[1:2], alone)
    np.testing.assert_array_equal(among[3], among[1])


def test_a_missing_folder_is_an_error_and_nothing_is_downloaded(tmp_path):
    with pytest.raises(PlacidError, match="there is no such folder") as caught:
        ClipEncoder(tmp_path / "clip")
    assert "--encoder" in caught.value.message


def test_tensors_that_the_file_lacks_are_named(folder, tmp_path):
    broken = tmp_path / "clip"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    state = load_file(broken / "model.safetensors")
    del state["text_projection.weight"]
    save_file(state, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(PlacidError, match=r"text_projection\.weight"):
        ClipEncoder(broken)


def test_a_damaged_file_is_an_error_of_one_sentence(folder, tmp_path):
    broken = tmp_path / "clip"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[:100])
    with pytest.raises(PlacidError, match="cannot be read from") as caught:
        ClipEncoder(broken)
    assert "\n" not in caught.value.message


def test_weights_that_are_a_pickle_are_not_read(folder, tmp_path):
    pickled = tmp_path / "clip"
    pickled.mkdir()
    for file in folder.iterdir():
        if file.name != clip_files.WEIGHTS:
            (pickled / file.name).write_bytes(file.read_bytes())
    with pytest.raises(PlacidError, match=r"has no model\.safetensors"):
        ClipEncoder(pickled)
    torch.save(load_file(folder / clip_files.WEIGHTS), pickled / "pytorch_model.bin")
    with pytest.raises(PlacidError, match=r"pytorch_model\.bin is a pickle.*b33cedfd"):
        ClipEncoder(pickled)


@pytest.fixture
def hub(folder, monkeypatch):
    """A hub that has the tiny CLIP, and what it was asked for."""
    asked = []

    def download(name, file, *, revision, local_files_only, etag_timeout):
        asked.append((name, file, revision, local_files_only))
        return str(folder / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    return asked


def test_the_hubs_files_are_those_of_one_revision_with_known_hashes(hub, folder, monkeypatch):
    with pytest.raises(PlacidError, match=r"config\.json has SHA-256 .* instead of b575ef3c36f2"):
        ClipEncoder(None, allow_download=True)
    hashes = {name: sha256(folder / name) for name in clip_files.SHA256}
    monkeypatch.setattr(clip_files, "SHA256", hashes)
    hub.clear()
    assert ClipEncoder(None).width == 24
    assert {(name, revision) for name, _, revision, _ in hub} == {
        ("openai/clip-vit-base-patch32", "b33cedfd0df4e43b8238760678fcc89e1a0d38b3")
    }
    assert [file for _, file, _, _ in hub] == list(hashes)
    assert all(is_local for *_, is_local in hub), "what is on the machine is asked for there first"
    weights = clip_files.WEIGHTS
    monkeypatch.setitem(hashes, weights, hashes[weights][::-1])
    with pytest.raises(PlacidError, match=r"model\.safetensors has SHA-256"):
        ClipEncoder(None)


def test_nothing_is_fetched_unasked_and_no_network_is_told_at_once(monkeypatch):
    asked = []

    def download(*_, local_files_only, **__):
        asked.append(local_files_only)
        raise OSError("not in the cache")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setattr(clip_files, "problem_of_hub", lambda: "the hub cannot be reached")
    with pytest.raises(PlacidError, match="is not on this machine"):
        ClipEncoder(None)
    with pytest.raises(PlacidError, match="the hub cannot be reached"):
        ClipEncoder(None, allow_download=True)
    assert asked == [True, True]
