"""An official release on disk, in its folders and files, with weights from the golden rule."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from goldens import FOLDER, weight, weights
from torch import Tensor

from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.length import LengthEstimator
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from backend.models.transformer import PositionalEncoding

SEED = 11
RVQ = "t2m/rvq_nq6_dc512_nc512_noshare_qdp0.2"
MASKED = "t2m/t2m_nlayer8_nhead6_ld384_ff1024_cdp0.1_rvq6ns"
RESIDUAL = "t2m/tres_nlayer8_ld384_ff1024_rvq6ns_cdp0.2_sw"
LENGTH = "t2m/length_estimator"
EVALUATOR = "t2m/text_mot_match"
STATISTICS = "t2m/Comp_v6_KLD005"
BAMM_FOLDER = "log/t2m/t2m/2024-02-14-14-27-29_8_GPT_officialTrans_2iterPrdictEnd"


@dataclass(frozen=True)
class Sizes:
    """What `opt.txt` says of the networks; the defaults are the official sizes."""

    codes: int = 512
    code_dim: int = 512
    width: int = 512
    depth: int = 3
    quantizers: int = 6
    latent: int = 384
    heads: int = 6
    ff: int = 1024
    layers: int = 8
    shared: bool = True


SMALL = Sizes(24, 8, 16, 2, 3, 16, 2, 32, 1)


def write_options(folder: Path, values: dict[str, Any]) -> None:
    """`opt.txt` between the lines that the official code prints around it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {value}" for name, value in sorted(values.items())]
    text = "\n".join(
        ["------------ Options -------------", *lines, "-------------- End ------------"]
    )
    (folder / "opt.txt").write_text(text + "\n", encoding="utf-8")


def write_weights(folder: Path, file: str, states: dict[str, dict[str, Tensor]]) -> Path:
    """A `.tar` with state dicts and, as in the release, what the training left beside them."""
    path = folder / "model" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    optimiser = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 2e-4}]}
    torch.save({**states, "opt": optimiser, "ep": 3, "total_it": 10}, path)
    return path


def write_release(root: Path, sizes: Sizes = SMALL, bamm: bool = True) -> Path:
    """MoMask's release and, if wanted, BAMM's, below one folder."""
    states = _states_of_layout() if sizes == Sizes() else _states_of_networks(sizes)
    write_rvq(root / RVQ, sizes, states["rvq"])
    options = {
        "vq_name": Path(RVQ).name,
        "latent_dim": sizes.latent,
        "n_heads": sizes.heads,
        "n_layers": sizes.layers,
        "ff_size": sizes.ff,
        "dropout": 0.2,
        "lr": 0.0002,
        "milestones": [50000],
        "share_weight": False,
        "dataset_name": "t2m",
    }
    write_options(root / MASKED, options | {"name": Path(MASKED).name})
    write_weights(root / MASKED, "latest.tar", {"t2m_transformer": states["t2m_transformer"]})
    write_options(root / RESIDUAL, options | {"share_weight": sizes.shared})
    clip = {"clip_model.logit_scale": torch.zeros(())}
    residual = states["res_transformer"] | clip
    write_weights(root / RESIDUAL, "net_best_fid.tar", {"res_transformer": residual})
    write_weights(root / LENGTH, "finest.tar", {"estimator": states["length_estimator"]})
    if "movement_encoder" in states:
        names = ("movement_encoder", "text_encoder", "motion_encoder")
        write_weights(root / EVALUATOR, "finest.tar", {name: states[name] for name in names})
        write_options(root / STATISTICS, {"name": STATISTICS, "dim_movement_latent": 512})
        write_statistics(root / STATISTICS / "meta")
    if bamm:
        write_options(root / BAMM_FOLDER, options | {"trans": "official"})
        state = states["bamm_t2m_transformer"]
        write_weights(root / BAMM_FOLDER, "latest.tar", {"t2m_transformer": state})
    return root


def write_rvq(folder: Path, sizes: Sizes, state: dict[str, Tensor]) -> None:
    options = {
        "name": folder.name,
        "dataset_name": "t2m",
        "code_dim": sizes.code_dim,
        "output_emb_width": sizes.code_dim,
        "nb_code": sizes.codes,
        "num_quantizers": sizes.quantizers,
        "shared_codebook": False,
        "down_t": 2,
        "stride_t": 2,
        "width": sizes.width,
        "depth": sizes.depth,
        "dilation_growth_rate": 3,
        "vq_act": "relu",
        "vq_norm": None,
        "mu": 0.99,
    }
    write_options(folder, options)
    write_weights(folder, "net_best_fid.tar", {"vq_model": state})
    write_statistics(folder / "meta")


def write_statistics(meta: Path) -> None:
    meta.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    np.save(meta / "mean.npy", rng.normal(0, 0.3, 263).astype(np.float32))
    np.save(meta / "std.npy", rng.uniform(0.01, 0.1, 263).astype(np.float32))


def _states_of_networks(sizes: Sizes) -> dict[str, dict[str, Tensor]]:
    common: dict[str, Any] = {
        "codes": sizes.codes,
        "code_dim": sizes.code_dim,
        "width": sizes.latent,
        "heads": sizes.heads,
        "ff": sizes.ff,
        "layers": sizes.layers,
    }
    rvq = RVQConfig(
        codes=sizes.codes,
        code_dim=sizes.code_dim,
        width=sizes.width,
        depth=sizes.depth,
        quantizers=sizes.quantizers,
    )
    residual = ResidualConfig(**common, quantizers=sizes.quantizers, shared_weights=sizes.shared)
    networks = {
        "rvq": RVQVAE(rvq),
        "t2m_transformer": MaskTransformer(MaskedConfig(**common)),
        "res_transformer": ResidualTransformer(residual),
        "length_estimator": LengthEstimator(LengthConfig()),
        "bamm_t2m_transformer": BAMM(BAMMConfig(**common)),
    }
    return {name: weights(network, SEED) for name, network in networks.items()}


def _states_of_layout() -> dict[str, dict[str, Tensor]]:
    """At the official sizes, from the list of keys and shapes instead of Placid's own networks."""
    text = (FOLDER / "checkpoint_layout.json").read_text(encoding="utf-8")
    layout = json.loads(text)["checkpoints"]
    evaluator = layout.pop("evaluator_text_mot_match")
    shapes = {name: entry["state_dict"] for name, entry in layout.items()}
    shapes |= {name: evaluator[name] for name in evaluator["state_keys"]}
    return {name: _state(entries) for name, entries in shapes.items()}


def _state(entries: dict[str, dict[str, Any]]) -> dict[str, Tensor]:
    state = {}
    for key, entry in entries.items():
        if key.endswith("position_enc.pe"):
            state[key] = PositionalEncoding(entry["shape"][-1], 0.0).pe
        else:
            state[key] = torch.from_numpy(weight(key, tuple(entry["shape"]), SEED))
    return state
