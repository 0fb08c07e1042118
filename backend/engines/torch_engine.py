"""The one door to torch: networks of `backend.models` as callables on numpy arrays."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from backend.engines.protocol import Array, Network
from backend.models.bamm import BAMM
from backend.models.device import choose_device, half_precision
from backend.models.length import LengthEstimator
from backend.models.loading import load_strict, ready
from backend.models.masked import MaskTransformer
from backend.models.reference_quirks import ReferenceQuirks
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from backend.models.transformer import EncoderStack, LayerCache
from shared.errors import is_out_of_memory

_BATCH: Final = {"cpu": 16, "cuda": 64, "mps": 32}
# A buffer that every transformer computes itself.
COMPUTED: Final = ("position_enc.pe",)


class TorchNetwork:
    """A torch module as a `Network`.

    Attributes:
        module: in evaluation mode, for training and whatever else needs torch itself.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    @property
    def config(self) -> Any:
        return self.module.config

    def keys(self) -> list[str]:
        return [key for key in self.module.state_dict() if key not in COMPUTED]

    def read(self, key: str) -> Array:
        return to_array(self.tensor(key)).astype(np.float32)

    def write(self, key: str, values: Array) -> None:
        # In place: layers keep what they derived from a weight until its version changes.
        with torch.no_grad():
            self.tensor(key).copy_(torch.from_numpy(values))

    def tensor(self, key: str) -> Tensor:
        """The live parameter or buffer. Raises KeyError for no such."""
        path, _, leaf = key.rpartition(".")
        try:
            tensor = getattr(self.module.get_submodule(path), leaf)
        except AttributeError:
            tensor = None
        if not isinstance(tensor, Tensor):
            raise KeyError(key)
        return tensor

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def _on_device(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def editable(modules: Mapping[str, nn.Module]) -> dict[str, TorchNetwork]:
    """Modules as edits see them."""
    return {name: TorchNetwork(module) for name, module in modules.items()}


class TorchMasked(TorchNetwork):
    """`MaskTransformer` as a `MaskedNetwork`."""

    def logits(self, ids: Array, text: Array, lengths: Array, wanted: Array) -> Array:
        with computing(self.device):
            inputs = map(self._on_device, (ids, text, lengths, wanted))
            return to_array(cast(MaskTransformer, self.module).wanted_logits(*inputs))


class TorchResidual(TorchNetwork):
    """`ResidualTransformer` as a `ResidualNetwork`."""

    def token_tables(self) -> Array:
        return to_array(cast(ResidualTransformer, self.module).token_tables())

    def logits(
        self, history: Array, layer: int, text: Array, lengths: Array, wanted: Array
    ) -> Array:
        with computing(self.device):
            module = cast(ResidualTransformer, self.module)
            rest = map(self._on_device, (text, lengths, wanted))
            return to_array(module.wanted_logits(self._on_device(history), layer, *rest))


class TorchBAMM(TorchNetwork):
    """`BAMM` as an `AutoregressiveNetwork`."""

    def logits(self, ids: Array, text: Array, known: Array | None) -> Array:
        copies = len(text) // len(ids)
        with computing(self.device):
            repeated = self._on_device(ids).repeat(copies, 1)
            seen = None if known is None else self._on_device(known).repeat(copies, 1)
            logits = cast(BAMM, self.module)(repeated, self._on_device(text), seen)
            return to_array(logits.transpose(1, 2))

    def decoder(self, text: Array, copies: int, room: int) -> "TorchDecoder":
        return TorchDecoder(self, self._on_device(text), copies, room)

    def unstable_argsort(self, scores: Array) -> Array:
        return to_array(torch.from_numpy(scores).argsort(dim=1))


class TorchDecoder:
    """One pass with keys and values kept; a `Decoder`."""

    def __init__(self, network: TorchBAMM, text: Tensor, copies: int, room: int) -> None:
        self._model = cast(BAMM, network.module)
        self._device = network.device
        self._text = text
        self._copies = copies
        stack = self._model.seqTransEncoder
        if not isinstance(stack, EncoderStack):
            raise ValueError(
                "The t2mgpt flavour of BAMM has no cached generation; use the published behaviour."
            )
        self._stack = stack
        self._caches: list[LayerCache] = stack.caches(room)

    def remember(self, ids: Array, rows: Array, visible: Array) -> None:
        with computing(self._device):
            everything = self._model.embed(self._spread(ids), self._text)
            packed = self._spread(rows).unsqueeze(-1).expand(-1, -1, everything.shape[-1])
            allowed = self._spread(visible)[:, None, None]
            self._stack(everything.gather(1, packed), allowed, self._caches)

    def step(self, ids: Array, row: int, visible: Array | None, read: bool = True) -> Array:
        model = self._model
        with computing(self._device):
            if row == 0:
                x = model.cond_emb(self._text)
            else:
                tokens = model.token_emb(torch.from_numpy(ids).to(self._device))
                x = model.input_process(tokens).repeat(self._copies, 1)
            x = (x + model.position_enc.pe[row]).unsqueeze(1)
            allowed = None if visible is None else self._spread(visible)[:, None, None]
            hidden = self._stack(x, allowed, self._caches)[:, 0]
            return to_array(model.output_process(hidden) if read else hidden)

    def keep(self, samples: Array) -> None:
        size = len(self._text) // self._copies
        kept = torch.from_numpy(samples).to(self._device)
        rows = torch.cat([kept + copy * size for copy in range(self._copies)])
        self._text = self._text[rows]
        for cache in self._caches:
            if cache.filled:
                cache.select(rows)

    def _spread(self, array: Array) -> Tensor:
        """(b, ...) -> (c b, ...)."""
        tensor = torch.from_numpy(array).to(self._device)
        return tensor.repeat(self._copies, *[1] * (tensor.dim() - 1))


class TorchLength(TorchNetwork):
    """`LengthEstimator` as a `LengthNetwork`."""

    def logits(self, text: Array) -> Array:
        with computing(self.device):
            return to_array(cast(LengthEstimator, self.module)(self._on_device(text)))


class TorchAutoencoder(TorchNetwork):
    """`RVQVAE` as an `AutoencoderNetwork`."""

    def encode(self, features: Array) -> Array:
        with computing(self.device, half=False):
            latent = cast(RVQVAE, self.module).latent(self._on_device(features))
            return to_array(latent.transpose(1, 2))

    def decode(self, vectors: Array) -> Array:
        with computing(self.device, half=False):
            rows = self._on_device(vectors).transpose(1, 2)
            return to_array(cast(RVQVAE, self.module).decoder(rows).transpose(1, 2))


_KINDS: Final[dict[str, tuple[Callable[[Any], nn.Module], type[Any]]]] = {
    "rvq": (RVQVAE, TorchAutoencoder),
    "masked": (MaskTransformer, TorchMasked),
    "residual": (ResidualTransformer, TorchResidual),
    "length": (LengthEstimator, TorchLength),
    "bamm": (BAMM, TorchBAMM),
}


def make_module(kind: str, config: Any) -> nn.Module:
    """A network of a kind with fresh weights."""
    return _KINDS[kind][0](config)


class TorchEngine:
    """Computes on the processor or a GPU with PyTorch; an `Engine`.

    Raises:
        PlacidError: `unknown_device`.
    """

    name = "torch"

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(device)
        self.batch = _BATCH.get(self.device.split(":")[0], 16)

    def build(
        self, kind: str, config: Any, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> Network:
        module = make_module(kind, config)
        tensors = {key: torch.from_numpy(values).float() for key, values in state.items()}
        load_strict(module, tensors, computed=COMPUTED)
        return self.wrap(kind, ready(module), quirks)

    def wrap(self, kind: str, module: nn.Module, quirks: ReferenceQuirks) -> Network:
        """A module that is there already as a network on this device."""
        if isinstance(module, ResidualTransformer):
            module.quirks = quirks
        network: Network = _KINDS[kind][1](module.to(self.device))
        return network

    def free(self) -> None:
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


@contextlib.contextmanager
def computing(device: torch.device, half: bool = True) -> Iterator[None]:
    """Without gradients, in half precision where that is faster; says so when memory runs out."""
    precision = half_precision(device.type) if half else contextlib.nullcontext()
    try:
        with torch.inference_mode(), precision:
            yield
    except RuntimeError as error:
        # On the CPU it is a plain RuntimeError, known by its words.
        if not is_out_of_memory(error):
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise MemoryError(str(error)) from error


def to_array(tensor: Tensor) -> Array:
    """The values in host memory, half precision widened to float32; may share memory."""
    tensor = tensor.detach()
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    array: Array = tensor.cpu().contiguous().numpy()
    return array
