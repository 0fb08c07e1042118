"""How well a motion fits its prompt: the shipped evaluator's two towers, in numpy.

The weights are those of `backend.evaluation.evaluators.embedded`, which the benchmark uses with
torch; here they rank takes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from backend.assets import ASSETS
from backend.engines.numpy_engine.functional import layer_norm, leaky_relu, linear
from backend.engines.protocol import Array
from backend.motion.features import motion_to_features
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES
from backend.text.encoding import TextEncoder
from shared.decoding.errors import FileKind
from shared.decoding.tensors import read_tensors
from shared.errors import PlacidError
from shared.motion.kinematics import resample
from shared.motion.motion import Motion
from shared.motion.skeleton import FEATURE_OFFSETS

WEIGHTS: Final = ASSETS / "evaluator" / "evaluator.safetensors"
_CONTACTS: Final = 4  # the last feature columns, which no evaluator sees
_SLOPE: Final = 0.2
_USUAL: Final = 3.0  # standard deviations
# A shorter motion has no step that the network could read.
_LEAST_FRAMES: Final = FRAMES_PER_TOKEN + 1
_KIND: Final = FileKind(
    "an evaluator", "install Placid again", lambda text: PlacidError("damaged_evaluator", text)
)


class PromptMatcher:
    """Cosines of motions and prompts in one space.

    Args:
        path: of the weights.

    Raises:
        PlacidError: `damaged_evaluator` when they cannot be read.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        with _KIND.reading(path):
            about, tensors = read_tensors(path)
            self._weights = {name: value.astype(np.float32) for name, value in tensors.items()}
            self.encoder = about["encoder"]

    def match(self, prompt: str, motion: Motion, encoder: TextEncoder) -> float | None:
        """The cosine, -1 to 1; None for a motion too short or an encoder of another kind."""
        if encoder.name != self.encoder or len(motion) < _LEAST_FRAMES:
            return None
        joints = resample(motion.with_up("Y"), FPS).joints
        if len(joints) < _LEAST_FRAMES:
            return None
        features = self._usual(motion_to_features(joints, FEATURE_OFFSETS))
        return float(self.embed_motion(features) @ self.embed_text(encoder.encode([prompt])[0]))

    def _usual(self, features: Array) -> Array:
        """Features (T, 263) no further from their mean than the evaluator is used to.

        Some hardly vary in what it was trained on, and joints do not tell them so precisely.
        """
        mean, std = self._weights["features.mean"], self._weights["features.std"]
        return np.clip(features, mean - _USUAL * std, mean + _USUAL * std)

    def embed_motion(self, features: Array) -> Array:
        """Unit vector (D,) of features (T, 263), not normalised; T at least 4."""
        weights = self._weights
        # Padded as the evaluator pads: its convolutions look over the end.
        length = min(len(features), MAX_FRAMES)
        padded = np.zeros((MAX_FRAMES, features.shape[1]), np.float32)
        mean, std = weights["features.mean"], weights["features.std"]
        padded[:length] = (features[:length] - mean) / std
        steps = padded[:, :-_CONTACTS]
        for layer in (0, 3):
            name = f"movement_encoder.main.{layer}"
            convolved = _halve(steps, weights[f"{name}.weight"], weights[f"{name}.bias"])
            steps = leaky_relu(convolved, _SLOPE)
        steps = self._linear("movement_encoder.out_net", steps)[: length // FRAMES_PER_TOKEN]
        states = self._linear("motion_encoder.input_emb", steps)
        start = weights["motion_encoder.hidden"][:, 0]
        ends = [
            _last_state(states, start[0], weights, ""),
            _last_state(states[::-1], start[1], weights, "_reverse"),
        ]
        hidden = self._linear("motion_encoder.output_net.0", np.concatenate(ends))
        hidden = leaky_relu(self._norm("motion_encoder.output_net.1", hidden), _SLOPE)
        return _unit(self._linear("motion_encoder.output_net.3", hidden))

    def embed_text(self, vector: Array) -> Array:
        """Unit vector (D,) of a sentence vector (384,)."""
        hidden = self._linear("text_encoder.2", self._norm("text_encoder.0", vector))
        return _unit(self._linear("text_encoder.5", leaky_relu(hidden, _SLOPE)))

    def _linear(self, name: str, x: Array) -> Array:
        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: Array) -> Array:
        return layer_norm(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])


def _halve(x: Array, weight: Array, bias: Array) -> Array:
    """x (T, inputs) through a convolution of width 4, stride 2 and padding 1: (T // 2, outputs)."""
    padded = np.pad(x, ((1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 4, axis=0)[::2]
    outputs = len(weight)
    return linear(windows.reshape(len(windows), -1), weight.reshape(outputs, -1), bias)


def _last_state(steps: Array, state: Array, weights: Mapping[str, Array], way: str) -> Array:
    """The last state (H,) of a GRU over steps (n, H), from a first state."""
    weight, bias = (weights[f"motion_encoder.gru.{kind}_hh_l0{way}"] for kind in ("weight", "bias"))
    given = linear(
        np.ascontiguousarray(steps),
        weights[f"motion_encoder.gru.weight_ih_l0{way}"],
        weights[f"motion_encoder.gru.bias_ih_l0{way}"],
    )
    size = len(state)
    for row in given:
        kept = weight @ state + bias
        reset, update = (
            1.0 / (1.0 + np.exp(-np.clip(row[part] + kept[part], -60.0, 60.0)))
            for part in (slice(0, size), slice(size, 2 * size))
        )
        fresh = np.tanh(row[2 * size :] + reset * kept[2 * size :])
        state = (1.0 - update) * fresh + update * state
    return state.astype(np.float32)


def _unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
