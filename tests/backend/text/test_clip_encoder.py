"""CLIP's text features, through the files of a tiny random CLIP."""

import numpy as np
import pytest
import torch
from clip_files import MERGES, write_clip
from safetensors.torch import load_file, save_file
from transformers import CLIPModel

from backend.text.clip import ClipEncoder
from backend.text.encoders import make_encoder
from shared.errors import PlacidError

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
