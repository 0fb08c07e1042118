"""Checkpoints: the embedded default, Placid's own folders and official releases, by one loader.

Placid's own format is a folder of safetensors files with a `config.json` that names and hashes
them; `backend.checkpoints.official` reads the folders of the releases.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.assets import ASSETS
from backend.engines.choose import choose_engine
from backend.engines.protocol import Array, Engine
from backend.models.configs import (
    BAMMConfig,
    LengthConfig,
    MaskedConfig,
    ResidualConfig,
    RVQConfig,
)
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks
from backend.motion.features import Convention
from backend.text.encoding import CLIP, TextEncoder
from shared.decoding.errors import UNDECODABLE, FileKind
from shared.decoding.limits import MAX_LAYERS, MAX_WIDTH
from shared.decoding.tensors import MAX_TENSOR_BYTES, decode_tensors
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import sha256
from shared.names import stays_inside

EMBEDDED: Final = ASSETS / "embedded"
FORMAT_VERSION: Final = 1
CONFIG_FILE: Final = "config.json"
_LONGEST: Final = 500
MEAN, STD = "features.mean", "features.std"
# Sizes that count layers, heads and the like.
_FEW: Final = ("layers", "heads", "depth", "quantizers", "down", "dilation_growth")
_FILE: Final = FileKind(
    "part of a checkpoint",
    "restore the file or install Placid again",
    lambda sentence: PlacidError("damaged_checkpoint", sentence),
)

# Sizes of each kind of network, by its name.
CONFIGS: Final[dict[str, type[Any]]] = {
    "rvq": RVQConfig,
    "masked": MaskedConfig,
    "residual": ResidualConfig,
    "length": LengthConfig,
    "bamm": BAMMConfig,
}


class NetworkRecord(msgspec.Struct, forbid_unknown_fields=True):
    """What `config.json` says of one network."""

    config: dict[str, Any]
    file: str
    sha256: str


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """`config.json`; see `Checkpoint`."""

    version: int
    encoder: str
    networks: dict[str, NetworkRecord]
    provenance: dict[str, Any] = {}
    guidance: float | None = None
    features: Convention = "humanml3d"


@dataclass
class Checkpoint:
    """The networks of one model family, and what they need around them.

    Attributes:
        networks: each a `Network`, by name: rvq, masked, residual, length, bamm; not all need be
            there.
        mean, std: float32 (263,), the statistics of the features that the RVQ-VAE reads.
        encoder: name of the text encoder that the networks were trained with.
        hashes: SHA-256 of each network's file.
        provenance: how it was trained; plain JSON values.
        guidance: the guidance scale of the base tokens that suits it, when it says one.
        features: how the joints became features that it was trained on.
        quirks: what the samplers do where the released code is odd.
        engine: what computes the networks.
    """

    networks: dict[str, Any]
    mean: np.ndarray
    std: np.ndarray
    encoder: str
    hashes: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    guidance: float | None = None
    features: Convention = "humanml3d"
    quirks: ReferenceQuirks = CORRECTED
    engine: str = ""

    def model_networks(self, model: str) -> dict[str, Any]:
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


def _damaged(path: Path, problem: object) -> PlacidError:
    # A network of other sizes differs in every tensor.
    told = str(problem)
    told = told if len(told) < _LONGEST else f"{told[:_LONGEST]} and so on"
    return PlacidError(
        "damaged_checkpoint",
        f"the checkpoint {path} cannot be used ({told}); restore the file or install Placid again",
    )


def is_own(folder: Path) -> bool:
    """Whether a folder holds a checkpoint in Placid's own format, or should."""
    return folder == EMBEDDED or (folder / CONFIG_FILE).exists()


def load_checkpoint(
    folder: Path, engine: Engine | None = None, quirks: ReferenceQuirks = CORRECTED
) -> Checkpoint:
    """Read a checkpoint: Placid's own format, or the folders of an official release.

    Args:
        engine: what the networks are built by; the best on the processor if None.
        quirks: what networks and samplers do where the released code is odd.

    Raises:
        PlacidError: when a file is missing, damaged, changed or of another format; the message
            names the file.
    """
    engine = engine or choose_engine("cpu")
    if is_own(folder):
        checkpoint = _load_own(folder, engine, quirks)
    else:
        checkpoint = _load_official(folder, engine, quirks)
    checkpoint.quirks, checkpoint.engine = quirks, engine.name
    return checkpoint


def _load_official(folder: Path, engine: Engine, quirks: ReferenceQuirks) -> Checkpoint:
    if engine.name != "torch":
        raise PlacidError(
            "no_torch",
            f"{folder} is not a checkpoint in Placid's own format, and official ones need PyTorch; "
            "set up the Full Backend in Placid's preferences",
        )
    from backend.checkpoints.official.layout import is_official
    from backend.checkpoints.official.release import load_release
    from backend.engines.torch_engine import TorchEngine

    if not is_official(folder):
        raise PlacidError(
            "no_checkpoint",
            f"{folder} holds no checkpoint, neither Placid's {CONFIG_FILE} nor official folders "
            "with opt.txt and model/*.tar; name the folder that was unpacked",
        )
    assert isinstance(engine, TorchEngine)
    release = load_release(folder)
    networks = {
        name: engine.wrap(name, module, quirks) for name, module in release.networks.items()
    }
    hashes = {name: sha256(file) for name, file in release.files.items()}
    return Checkpoint(networks, release.mean, release.std, CLIP, hashes)


def _load_own(folder: Path, engine: Engine, quirks: ReferenceQuirks) -> Checkpoint:
    path = folder / CONFIG_FILE
    with _FILE.reading(f"the checkpoint {path}"):
        record = decode_json(read_bytes(path), Record)
    if record.version != FORMAT_VERSION:
        raise _damaged(path, f"format version {record.version}, wanted {FORMAT_VERSION}")
    networks, statistics = {}, list[Array]()
    for name, entry in record.networks.items():
        if not stays_inside(entry.file):
            raise _damaged(path, f"it names the file {entry.file!r}, which lies elsewhere")
        file = folder / entry.file
        state = _read_state(file, entry.sha256)
        if name == "rvq":
            statistics = [state.pop(key) for key in (MEAN, STD) if key in state]
        if name not in CONFIGS:
            raise _damaged(file, f"there is no kind of network {name!r}")
        try:
            config = msgspec.convert(entry.config, CONFIGS[name])
            _check_sizes(entry.config)
            networks[name] = engine.build(name, config, state, quirks)
        except (*UNDECODABLE, RuntimeError) as error:
            problem = str(error).splitlines()[0] if str(error) else "odd sizes"
            raise _damaged(file, problem) from error
    if len(statistics) != 2:
        raise _damaged(path, "it has no RVQ-VAE with feature statistics")
    mean, std = (values.astype(np.float32) for values in statistics)
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


def _read_state(file: Path, expected: str) -> dict[str, Array]:
    with _FILE.reading(f"the checkpoint {file}"):
        content = read_bytes(file, MAX_TENSOR_BYTES)
        if hashlib.sha256(content).hexdigest() != expected:
            raise _damaged(file, "its SHA-256 is not the one in config.json")
        return decode_tensors(content)[1]


def _check_sizes(config: Mapping[str, Any]) -> None:
    """Raises ValueError for sizes that no network has."""
    for name, value in config.items():
        most = MAX_LAYERS if name in _FEW else MAX_WIDTH
        if isinstance(value, int) and abs(value) > most:
            raise ValueError(f"{name} is {value}; {most} is the most that is read")
