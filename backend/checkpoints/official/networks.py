"""Networks of a release: sizes from `opt.txt`, weights from the `.tar` file, loaded strictly."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from backend.checkpoints.official.layout import KINDS, OPTIONS, Part
from backend.checkpoints.official.options import Options, wrong_options
from backend.checkpoints.official.weights import open_weights, state_dict, unusable
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.length import LengthEstimator
from backend.models.loading import load_strict, mismatches, ready
from backend.models.masked import MaskTransformer
from backend.models.matching import WordMatcher, WordMatcherConfig
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from shared.decoding.arrays import read_npy
from shared.decoding.errors import UNDECODABLE, FileKind
from shared.decoding.limits import MIB
from shared.errors import PlacidError

FEATURES: Final = 263
_PRE_NORM_KEYS: Final = "seqTransEncoder.blocks."
_MATCHERS: Final = ("movement_encoder", "motion_encoder", "text_encoder")


def load_network(part: Part, rvq: RVQConfig | None) -> nn.Module:
    """The network of a part, in eval mode.

    Args:
        rvq: sizes of the RVQ-VAE whose codes a transformer reads; None for what reads none.

    Raises:
        PlacidError: `wrong_options`, `damaged_checkpoint` or `missing_weights`; every missing,
            unexpected and misshapen tensor is named.
    """
    state = read_state(part)
    assert part.file is not None
    # Shapes first: a network of the sizes that a file names may be larger than any memory.
    with torch.device("meta"):
        problems = mismatches(_make(part, rvq, state), state)
    if problems:
        raise unusable(part.file, "; ".join(problems))
    network = _make(part, rvq, state)
    load_strict(network, state)
    return ready(network)


def check_network(part: Part, rvq: RVQConfig | None) -> None:
    """Raise what `load_network` would, without making the tensors; evaluators as well."""
    state = read_state(part)
    if part.kind == "evaluator":
        return _check_evaluator(part)
    with torch.device("meta"):
        network = _make(part, rvq, state)
    problems = mismatches(network, state)
    if problems:
        assert part.file is not None
        raise unusable(part.file, "; ".join(problems))


def read_state(part: Part) -> dict[str, Tensor]:
    """A part's state dict in single precision; raises PlacidError."""
    if part.problem is not None:
        raise part.problem
    if part.file is None:
        raise PlacidError(
            "missing_weights",
            f"{part.folder / 'model'} has no .tar file with the {KINDS[part.kind].title}; unpack "
            "the official release there once more",
        )
    return state_dict(open_weights(part.file), KINDS[part.kind].states, part.file)


def _check_evaluator(part: Part) -> None:
    assert part.file is not None
    content = open_weights(part.file)
    with torch.device("meta"):
        matcher = WordMatcher(WordMatcherConfig())
    problems = [
        f"{name}: {problem}"
        for name in _MATCHERS
        for problem in mismatches(getattr(matcher, name), state_dict(content, (name,), part.file))
    ]
    if problems:
        raise unusable(part.file, "; ".join(problems))


def rvq_config(part: Part) -> RVQConfig:
    """Sizes of an RVQ-VAE; raises PlacidError for options that no such network has."""
    options = _options(part)
    options.expect("stride_t", 2, "every level of the network halves the frames")
    code_dim = options.integer("code_dim")
    options.expect("output_emb_width", code_dim, "the codebooks have this width")
    if "dim_pose" in options.values:
        options.expect("dim_pose", FEATURES, "Placid's skeleton has 22 joints")
    norm = options.text("vq_norm")
    return RVQConfig(
        features=FEATURES,
        codes=options.integer("nb_code"),
        code_dim=code_dim,
        width=options.integer("width"),
        quantizers=options.integer("num_quantizers"),
        down=options.integer("down_t"),
        depth=options.integer("depth"),
        dilation_growth=options.integer("dilation_growth_rate"),
        activation=options.text("vq_act"),
        norm=None if norm == "None" else norm,
        shared_codebook=options.flag("shared_codebook"),
    )


def read_statistics(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std, float32 (263,), from the folder `meta` of a network's folder.

    Raises:
        PlacidError: `damaged_checkpoint` naming the file that is missing or unsound.
    """
    mean, std = (_statistic(folder / "meta" / name) for name in ("mean.npy", "std.npy"))
    if not (std > 0).all():
        raise unusable(folder / "meta" / "std.npy", "not all of its numbers are positive")
    return mean, std


def _statistic(path: Path) -> np.ndarray:
    kind = FileKind(
        "a NumPy file",
        "unpack the official release there once more",
        lambda sentence: PlacidError("damaged_checkpoint", sentence),
    )
    with kind.reading(path):
        values = read_npy(path, MIB)
    if values.shape != (FEATURES,) or not np.issubdtype(values.dtype, np.floating):
        raise unusable(path, f"it holds {values.dtype} {values.shape}, wanted floats ({FEATURES},)")
    if not np.isfinite(values).all():
        raise unusable(path, "it holds values that are not numbers")
    return values.astype(np.float32)


def _options(part: Part) -> Options:
    if part.options is None:
        raise wrong_options(part.folder / OPTIONS, "it is missing")
    return part.options


def _make(part: Part, rvq: RVQConfig | None, state: dict[str, Tensor]) -> nn.Module:
    try:
        if part.kind == "rvq":
            return RVQVAE(rvq_config(part))
        if part.kind == "length":
            return LengthEstimator(LengthConfig())
        assert rvq is not None
        return _make_transformer(part, rvq, state)
    except (*UNDECODABLE, RuntimeError) as error:  # sizes that do not go together
        raise wrong_options(part.folder / OPTIONS, str(error).splitlines()[0][:200]) from error


def _make_transformer(part: Part, rvq: RVQConfig, state: dict[str, Tensor]) -> nn.Module:
    options = _options(part)
    sizes: dict[str, Any] = {
        "codes": rvq.codes,
        "code_dim": rvq.code_dim,
        "width": options.integer("latent_dim"),
        "heads": options.integer("n_heads"),
        "ff": options.integer("ff_size"),
        "layers": options.integer("n_layers"),
    }
    if part.kind == "masked":
        return MaskTransformer(MaskedConfig(**sizes))
    if part.kind == "bamm":
        pre_norm = any(key.startswith(_PRE_NORM_KEYS) for key in state)
        return BAMM(BAMMConfig(**sizes, pre_norm=pre_norm))
    shared = options.flag("share_weight")
    config = ResidualConfig(**sizes, quantizers=rvq.quantizers, shared_weights=shared)
    return ResidualTransformer(config)
