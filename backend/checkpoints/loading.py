"""Checkpoints: the embedded default, Placid's own folders and official releases, by one loader.

Placid's own format is a folder of safetensors files with a `config.json` that names and hashes
them; `backend/official` reads the folders of the releases.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from backend.assets import ASSETS
from backend.checkpoints.official.layout import is_official
from backend.checkpoints.official.release import load_release
from backend.models.bamm import BAMM, BAMMConfig
from backend.models.length import LengthConfig, LengthEstimator
from backend.models.loading import load_strict, mismatches, ready
from backend.models.masked import MaskedConfig, MaskTransformer
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks
from backend.models.residual import ResidualConfig, ResidualTransformer
from backend.models.rvqvae import RVQVAE, RVQConfig
from backend.motion.features import Convention
from backend.text.encoders import ClipEncoder, TextEncoder
from shared.decoding.arrays import check_safetensors, damaged_tensors
from shared.decoding.errors import UNDECODABLE, FileKind
from shared.decoding.limits import MAX_LAYERS, MAX_WIDTH, MIB
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import make_folder, write_whole
from shared.names import stays_inside

EMBEDDED: Final = ASSETS / "embedded"
FORMAT_VERSION: Final = 1
_CONFIG: Final = "config.json"
_MEAN, _STD = "features.mean", "features.std"
_MAX_NETWORK_BYTES: Final = 8192 * MIB
# Sizes that count layers, heads and the like.
_FEW: Final = ("layers", "heads", "depth", "quantizers", "down", "dilation_growth")
_FILE: Final = FileKind(
    "part of a checkpoint",
    "restore the file or install Placid again",
    lambda sentence: PlacidError("damaged_checkpoint", sentence),
)
# A buffer that every transformer computes itself.
_COMPUTED: Final = ("position_enc.pe",)

# Network name: its config class and how it is built.
KINDS: Final[dict[str, tuple[type[Any], Callable[[Any], nn.Module]]]] = {
    "rvq": (RVQConfig, RVQVAE),
    "masked": (MaskedConfig, MaskTransformer),
    "residual": (ResidualConfig, ResidualTransformer),
    "length": (LengthConfig, LengthEstimator),
    "bamm": (BAMMConfig, BAMM),
}


class _NetworkRecord(msgspec.Struct, forbid_unknown_fields=True):
    config: dict[str, Any]
    file: str
    sha256: str


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    encoder: str
    networks: dict[str, _NetworkRecord]
    provenance: dict[str, Any] = {}
    guidance: float | None = None
    features: Convention = "humanml3d"


@dataclass
class Checkpoint:
    """The networks of one model family, in eval mode, and what they need around them.

    Attributes:
        networks: by name: rvq, masked, residual, length, bamm; not all need be there.
        mean, std: float32 (263,), the statistics of the features that the RVQ-VAE reads.
        encoder: name of the text encoder that the networks were trained with.
        hashes: SHA-256 of each network's file.
        provenance: how it was trained; plain JSON values.
        guidance: the guidance scale of the base tokens that suits it, when it says one.
        features: how the joints became features that it was trained on.
    """

    networks: dict[str, nn.Module]
    mean: np.ndarray
    std: np.ndarray
    encoder: str
    hashes: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    guidance: float | None = None
    features: Convention = "humanml3d"

    def model_networks(self, model: str) -> dict[str, nn.Module]:
        """The networks that a model (`momask` or `bamm`) consists of."""
        names = ("rvq", "masked" if model == "momask" else "bamm", "residual", "length")
        return {name: self.networks[name] for name in names if name in self.networks}

    def models(self) -> list[str]:
        """The models that this checkpoint can run."""
        have = self.networks.keys()
        found = [("momask", {"rvq", "masked", "residual"}), ("bamm", {"rvq", "bamm", "residual"})]
        return [name for name, needed in found if needed <= have]

    @property
    def hash(self) -> str:
        """SHA-256 over the hashes of the files and its guidance: the identity of the checkpoint."""
        lines = "".join(f"{name} {self.hashes[name]}\n" for name in sorted(self.hashes))
        if self.guidance is not None:
            lines += f"guidance {self.guidance}\n"
        return hashlib.sha256(lines.encode()).hexdigest()

    def check_encoder(self, encoder: TextEncoder) -> None:
        """Raise PlacidError `wrong_encoder` unless the networks read vectors of this width."""
        for name, network in self.networks.items():
            wanted = getattr(network.config, "text_dim", encoder.width)
            if wanted != encoder.width:
                raise PlacidError(
                    "wrong_encoder",
                    f"the text encoder {encoder.name} gives vectors of width {encoder.width}, but "
                    f"the checkpoint's network {name!r} reads vectors of width {wanted}; use the "
                    f"files of the {self.encoder} that the checkpoint was trained with",
                )


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, problem: object) -> PlacidError:
    return PlacidError(
        "damaged_checkpoint",
        f"the checkpoint {path} cannot be used ({problem}); restore the file or install Placid "
        "again",
    )


def load_checkpoint(
    folder: Path, device: str = "cpu", quirks: ReferenceQuirks = CORRECTED
) -> Checkpoint:
    """Read a checkpoint: Placid's own format, or the folders of an official release.

    Args:
        quirks: what the networks do where the released code is odd.

    Raises:
        PlacidError: when a file is missing, damaged, changed or of another format; the message
            names the file.
    """
    if folder == EMBEDDED or (folder / _CONFIG).exists():
        checkpoint = _load_own(folder)
    elif is_official(folder):
        release = load_release(folder)
        hashes = {name: sha256(file) for name, file in release.files.items()}
        checkpoint = Checkpoint(
            release.networks, release.mean, release.std, ClipEncoder.name, hashes
        )
    else:
        raise PlacidError(
            "no_checkpoint",
            f"{folder} holds no checkpoint, neither Placid's {_CONFIG} nor official folders with "
            "opt.txt and model/*.tar; name the folder that was unpacked",
        )
    for network in checkpoint.networks.values():
        if isinstance(network, MaskTransformer | ResidualTransformer | BAMM):
            network.quirks = quirks
        network.to(device)
    return checkpoint


def _load_own(folder: Path) -> Checkpoint:
    path = folder / _CONFIG
    with _FILE.reading(f"the checkpoint {path}"):
        record = decode_json(read_bytes(path), _Record)
    if record.version != FORMAT_VERSION:
        raise _damaged(path, f"format version {record.version}, wanted {FORMAT_VERSION}")
    networks, statistics = {}, list[Tensor]()
    for name, entry in record.networks.items():
        if not stays_inside(entry.file):
            raise _damaged(path, f"it names the file {entry.file!r}, which lies elsewhere")
        file = folder / entry.file
        state = _read_state(file, entry.sha256)
        if name == "rvq":
            statistics = [state.pop(key) for key in (_MEAN, _STD) if key in state]
        networks[name] = _build(name, entry.config, state, file, folder != EMBEDDED)
    if len(statistics) != 2:
        raise _damaged(path, "it has no RVQ-VAE with feature statistics")
    mean, std = (tensor.float().numpy() for tensor in statistics)
    hashes = {name: entry.sha256 for name, entry in record.networks.items()}
    return Checkpoint(
        networks,
        mean,
        std,
        record.encoder,
        hashes,
        record.provenance,
        record.guidance,
        record.features,
    )


def _read_state(file: Path, expected: str) -> dict[str, Tensor]:
    with _FILE.reading(f"the checkpoint {file}"):
        check_safetensors(file, _MAX_NETWORK_BYTES)
        if sha256(file) != expected:
            raise _damaged(file, "its SHA-256 is not the one in config.json")
        try:
            return load_file(file)
        except SafetensorError as error:
            raise damaged_tensors(error) from error


def _build(
    name: str, config: dict[str, Any], state: dict[str, Tensor], file: Path, is_foreign: bool
) -> nn.Module:
    if name not in KINDS:
        raise _damaged(file, f"there is no kind of network {name!r}")
    config_type, make = KINDS[name]
    try:
        sizes = msgspec.convert(config, config_type)
        _check_sizes(config)
        full = {key: tensor.float() for key, tensor in state.items()}
        if is_foreign:
            # A network of the sizes that a file names may be larger than any memory.
            with torch.device("meta"):
                problems = mismatches(make(sizes), full, computed=_COMPUTED)
            if problems:
                raise ValueError("; ".join(problems))
        network = make(sizes)
        load_strict(network, full, computed=_COMPUTED)
    except (*UNDECODABLE, RuntimeError) as error:
        raise _damaged(file, str(error).splitlines()[0] if str(error) else "odd sizes") from error
    return ready(network)


def _check_sizes(config: Mapping[str, Any]) -> None:
    """Raises ValueError for sizes that no network has."""
    for name, value in config.items():
        most = MAX_LAYERS if name in _FEW else MAX_WIDTH
        if isinstance(value, int) and abs(value) > most:
            raise ValueError(f"{name} is {value}; {most} is the most that is read")


def save_checkpoint(
    folder: Path,
    networks: Mapping[str, nn.Module],
    mean: np.ndarray,
    std: np.ndarray,
    encoder: str,
    provenance: dict[str, Any],
    precision: torch.dtype = torch.float16,
    guidance: float | None = None,
    features: Convention = "humanml3d",
) -> None:
    """Write networks in Placid's own format, by default in half precision.

    For `guidance` and `features` see `Checkpoint`.
    The codebooks and statistics stay in single precision: they are small, and LCR replaces
    codebook rows exactly.
    """
    make_folder(folder)
    entries = {}
    for name, network in networks.items():
        state = {
            key: (value if key.endswith("codebook") else value.to(precision)).contiguous()
            for key, value in network.state_dict().items()
            if key not in _COMPUTED
        }
        if name == "rvq":
            state[_MEAN], state[_STD] = torch.from_numpy(mean), torch.from_numpy(std)
        file = folder / f"{name}.safetensors"
        write_whole(file, save(state))
        config: Any = network.config
        entries[name] = _NetworkRecord(asdict(config), file.name, sha256(file))
    record = _Record(FORMAT_VERSION, encoder, entries, provenance, guidance, features)
    write_whole(folder / _CONFIG, msgspec.json.format(msgspec.json.encode(record), indent=2))
