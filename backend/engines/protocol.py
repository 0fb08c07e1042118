"""What the rest of Placid knows of a network: arrays in, arrays out, and tensors by name.

Samplers, codec, edits and fits are written against these protocols alone. Arrays are float32 and
int64 in host memory, whatever a network computes with and wherever.

Guidance asks a network twice, with the text and without: so text vectors may be a multiple
(c b, text_dim) of the batch (b, ...), copy after copy, and the logits then are as well.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy.typing as npt

Array = npt.NDArray[Any]


class Network(Protocol):
    """A network whose tensors can be read and replaced; see `backend.unlearning`."""

    @property
    def config(self) -> Any:
        """Its sizes, one of `backend.models.configs`."""

    def keys(self) -> list[str]:
        """The state-dict keys of all its tensors."""

    def read(self, key: str) -> Array:
        """A float32 copy of the tensor of a state-dict key, as it is now. Raises KeyError."""

    def write(self, key: str, values: Array) -> None:
        """Replace all values of a tensor; the next call computes with them. Raises KeyError."""


class MaskedNetwork(Network, Protocol):
    """Text to base tokens, all at once; ids: codes, then one to mark a token to fill, then padding.

    See `backend.generation.samplers.masked`.
    """

    def logits(self, ids: Array, text: Array, lengths: Array, wanted: Array) -> Array:
        """Logits (c wanted tokens, codes), sample after sample, of ids (b, n), lengths (b).

        Args:
            text: (c b, text_dim).
            wanted: bool (b, n), only before the lengths; of which tokens.
        """


class ResidualNetwork(Network, Protocol):
    """Tokens of one residual layer from the summed embeddings of the layers before it."""

    def token_tables(self) -> Array:
        """(quantizers - 1, codes + 1, code_dim): row q embeds the ids of layer q."""

    def logits(
        self, history: Array, layer: int, text: Array, lengths: Array, wanted: Array
    ) -> Array:
        """Logits (c wanted tokens, codes + 1) of `layer`, history (b, n, code_dim); see above."""


class Decoder(Protocol):
    """One pass of an autoregressive network, which keeps what it computed for earlier rows.

    Row 0 is the text, row k + 1 token k.
    """

    def remember(self, ids: Array, rows: Array, visible: Array) -> None:
        """Compute the `rows` (b, k) of the text and ids (b, n), which see each other.

        Args:
            visible: bool (b, k), which of the rows count.
        """

    def step(self, ids: Array, row: int, visible: Array | None, read: bool = True) -> Array:
        """Logits (c b, codes + 1) behind one row; behind the text for row 0.

        Args:
            ids: int (b), token `row` - 1; not looked at for row 0.
            visible: bool (b, rows so far, this one included); None for all.
            read: whether the logits are wanted; what is returned otherwise means nothing.
        """

    def keep(self, samples: Array) -> None:
        """Go on with these samples (numbers within the batch) alone."""


class AutoregressiveNetwork(Network, Protocol):
    """BAMM: text to base tokens from left to right; ids: codes, then the end, then padding."""

    def logits(self, ids: Array, text: Array, known: Array | None) -> Array:
        """Logits (c b, n + 1, codes + 1) of ids (b, n), bool known (b, n); row k for token k."""

    def decoder(self, text: Array, copies: int, room: int) -> Decoder:
        """A fresh pass over text (c b, text_dim) with room for so many rows."""

    def unstable_argsort(self, scores: Array) -> Array:
        """Order of scores (b, n) along rows, equal ones as the engine's own sort leaves them."""


class LengthNetwork(Network, Protocol):
    """Text to motion lengths."""

    def logits(self, text: Array) -> Array:
        """Logits (b, lengths) of text (b, text_dim); class k is k tokens."""


class AutoencoderNetwork(Network, Protocol):
    """The RVQ-VAE's encoder and decoder round the codebooks; see `backend.generation.codebooks`."""

    def encode(self, features: Array) -> Array:
        """Latent vectors (b, n, code_dim) of normalised features (b, T, 263), n = T // 4."""

    def decode(self, vectors: Array) -> Array:
        """Normalised features (b, 4 n, 263) of summed code vectors (b, n, code_dim)."""


class Engine(Protocol):
    """Makes networks.

    Attributes:
        name: "numpy" or "torch".
        device: what it computes on, for people and provenance.
        batch: so many samples go through a network together.
    """

    name: str
    device: str
    batch: int

    def build(self, kind: str, config: Any, state: Mapping[str, Array], quirks: Any) -> Network:
        """The network of a kind: rvq, masked, residual, bamm or length.

        Args:
            config: its sizes.
            state: its tensors by state-dict key, in half or single precision.
            quirks: what it does where the released code is odd.

        Raises:
            ValueError: when the tensors are not those of such a network.
        """

    def free(self) -> None:
        """Give memory back that nothing uses any more."""


def codebook_key(layer: int) -> str:
    """The state-dict key of a codebook of the RVQ-VAE's, base layer first."""
    return f"quantizer.layers.{layer}.codebook"
