"""A judge that was trained on real motion, and shares nothing with the kinematic checks.

A small convolutional network embeds every fifth of a second of a motion and scores it as violent or
not (`backend train judge`). The real moments it was trained on lie beside its weights, so that it
can say of what a motion reminds it. It has no thresholds on angles or speeds; its two limits are
scores that so many peaceful motions of people it had never seen exceed.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from scipy import ndimage

from backend.assets import ASSETS
from backend.evaluation.judges.channels import channels
from backend.evaluation.judges.registry import Finding, Tier, Verdict, register_judge
from shared.decoding.errors import FileKind
from shared.decoding.tensors import encode_tensors, read_tensors
from shared.errors import PlacidError
from shared.files import write_whole

WEIGHTS: Final = ASSETS / "judge" / "judge.safetensors"
NEAREST: Final = 3
# Of the nearest real moments so many say by their kind what a strike is.
_VOTERS: Final = 7
_DILATIONS: Final = (1, 1, 1, 2, 1)
_STRIDES: Final = (2, 2, 1, 1, 1)
STRIDE: Final = 4


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the file beside the arrays.

    Attributes:
        softened, clear: limits of the score, a probability.
        moments: what each remembered moment shows and in which recording.
        violent_kinds: kinds of moments that are strikes.
    """

    softened: float
    clear: float
    moments: tuple[tuple[str, str], ...]
    violent_kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class EmbeddingJudge:
    """The network in numpy.

    Attributes:
        mean, std: float32 (channels,).
        layers: kernels (out, in, k) and biases (out,) of the convolutions.
        violent: weight (embedding,) and bias of the score's logit.
        memory: unit vectors (M, embedding) of real moments, in the order of `about.moments`.
    """

    mean: np.ndarray
    std: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    violent: tuple[np.ndarray, float]
    memory: np.ndarray
    about: About

    def embed(self, joints: np.ndarray) -> np.ndarray:
        """Embeddings (n, embedding) of joints (T, 22, 3); place i is about frame 4 i."""
        x = (channels(joints) - self.mean) / self.std
        for number, (kernel, bias) in enumerate(self.layers):
            x = _convolve(x, kernel, _STRIDES[number], _DILATIONS[number]) + bias
            if number < len(self.layers) - 1:
                x = np.maximum(x, 0.0)
        return x

    def scores(self, embedded: np.ndarray) -> np.ndarray:
        """Probabilities (n,) that moments are violent."""
        weight, bias = self.violent
        return 1.0 / (1.0 + np.exp(-(embedded @ weight + bias)))

    def __call__(self, joints: np.ndarray) -> Verdict:
        """Judge joints (T, 22, 3), metres, Y up, 20 frames a second."""
        embedded = self.embed(joints)
        scores = self.scores(embedded)
        found = []
        places, _ = ndimage.label(scores > self.about.softened)
        for (part,) in ndimage.find_objects(places):
            start, end = part.start, part.stop
            peak = start + int(scores[start:end].argmax())
            score = float(scores[peak])
            tier: Tier = "clear" if score > self.about.clear else "softened"
            frames = (max(0, STRIDE * start - 2), min(len(joints), STRIDE * end + 2))
            found.append(Finding(self._kind(embedded[peak]), tier, *frames, score))
        peak = int(scores.argmax())
        return Verdict(tuple(found), float(scores[peak]), self.nearest(embedded[peak]))

    def nearest(self, moment: np.ndarray, count: int = NEAREST) -> tuple[str, ...]:
        """The real moments nearest to an embedding: what they show, and in which recording."""
        seen: dict[tuple[str, str], None] = {}
        for index in np.argsort(-self._likeness(moment)):
            seen.setdefault(self.about.moments[index])
            if len(seen) == count:
                break
        return tuple(f"{kind} ({recording})" for kind, recording in seen)

    def _kind(self, moment: np.ndarray) -> str:
        likeness = self._likeness(moment)
        kinds = [
            self.about.moments[index][0]
            for index in np.argsort(-likeness)
            if self.about.moments[index][0] in self.about.violent_kinds
        ]
        return Counter(kinds[:_VOTERS]).most_common(1)[0][0] if kinds else "strike"

    def _likeness(self, moment: np.ndarray) -> np.ndarray:
        return self.memory @ (moment / max(float(np.linalg.norm(moment)), 1e-9))


def _convolve(x: np.ndarray, kernel: np.ndarray, stride: int, dilation: int) -> np.ndarray:
    """Rows (T, in) to (ceil(T / stride), out), padded with zeros so that places stay."""
    size = kernel.shape[2]
    padding = dilation * (size - 1) // 2
    rows = np.pad(x, ((padding, padding), (0, 0)))
    places = np.arange(0, len(x), stride)
    result = np.zeros((len(places), kernel.shape[0]), dtype=np.float32)
    for tap in range(size):
        result += rows[places + tap * dilation] @ kernel[:, :, tap].T
    return result


def save_judge(judge: EmbeddingJudge, path: Path) -> None:
    """Write a judge in half precision."""
    arrays: dict[str, np.ndarray] = {
        "mean": judge.mean.astype(np.float32),
        "std": judge.std.astype(np.float32),
        "violent.weight": judge.violent[0].astype(np.float32),
        "violent.bias": np.array([judge.violent[1]], np.float32),
        "memory": judge.memory.astype(np.float16),
    }
    for number, (kernel, bias) in enumerate(judge.layers):
        arrays[f"{number}.weight"] = kernel.astype(np.float16)
        arrays[f"{number}.bias"] = bias.astype(np.float32)
    about = {"about": msgspec.json.encode(judge.about).decode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, encode_tensors(arrays, about))


def load_judge(path: Path = WEIGHTS) -> EmbeddingJudge:
    """Read a judge. Raises PlacidError `damaged_judge` for a file that is none."""
    kind = FileKind(
        "a judge",
        "restore the file, or train one with `backend train judge`",
        lambda sentence: PlacidError("damaged_judge", sentence),
    )
    with kind.reading(path):
        texts, arrays = read_tensors(path)
        about = msgspec.json.decode(texts["about"], type=About)
        tensors = {name: array.astype(np.float32) for name, array in arrays.items()}
        layers = tuple(
            (tensors[f"{number}.weight"], tensors[f"{number}.bias"])
            for number in range(len(_STRIDES))
        )
        violent = tensors["violent.weight"], float(tensors["violent.bias"][0])
    return EmbeddingJudge(
        tensors["mean"], tensors["std"], layers, violent, tensors["memory"], about
    )


@cache
def shipped_judge() -> EmbeddingJudge:
    """The judge that comes with Placid."""
    return load_judge()


@register_judge(
    "embedding",
    "a network trained on real motion, which knows no angles and speeds of the checks",
    lambda: hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
)
def embedding(joints: np.ndarray) -> Verdict:
    """What the trained judge sees; the score is the highest probability of a strike."""
    return shipped_judge()(joints)
