"""A release as a whole: the networks that belong together, chosen and loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from backend.checkpoints.official.layout import KINDS, Part, find_parts
from backend.checkpoints.official.networks import load_network, read_statistics, rvq_config
from backend.models.configs import RVQConfig
from shared.errors import PlacidError

TRANSFORMERS: Final = ("masked", "bamm", "residual")
GENERATING: Final = ("rvq", *TRANSFORMERS, "length")


@dataclass(frozen=True)
class Release:
    """What a release's folders hold for generation.

    Attributes:
        networks: by name (rvq, masked, bamm, residual, length) as far as they are there.
        files: the file of each network.
        mean, std: float32 (263,), the statistics of the features that the RVQ-VAE reads.
    """

    networks: dict[str, nn.Module]
    files: dict[str, Path]
    mean: np.ndarray
    std: np.ndarray


def load_release(folder: Path) -> Release:
    """Load every network for generation that lies below a folder.

    Raises:
        PlacidError: when there is no RVQ-VAE, when several networks could be meant, or when one is
            damaged; a damaged network is never passed over.
    """
    chosen = choose_parts(find_parts(folder), folder)
    if "rvq" not in chosen:
        raise PlacidError(
            "missing_weights",
            f"{folder} has no RVQ-VAE, which every official model needs; unpack MoMask's release "
            "there (`backend doctor --checkpoints` shows what is missing)",
        )
    rvq = rvq_config(chosen["rvq"])
    mean, std = read_statistics(chosen["rvq"].folder)
    networks = {name: load_network(part, rvq) for name, part in chosen.items()}
    files = {name: part.file for name, part in chosen.items() if part.file is not None}
    return Release(networks, files, mean, std)


def choose_parts(parts: Sequence[Part], folder: Path) -> dict[str, Part]:
    """The parts to generate with, by kind; the RVQ-VAE is the one that the transformers name.

    Raises:
        PlacidError: `ambiguous_checkpoints` when more than one could be meant.
    """
    chosen: dict[str, Part] = {}
    for kind in (*TRANSFORMERS, "length"):
        candidates = [part for part in parts if part.kind == kind]
        if candidates:
            chosen[kind] = _only(candidates, KINDS[kind].title, folder)
    named = {
        str(part.options.values["vq_name"])
        for part in chosen.values()
        if part.options and "vq_name" in part.options.values
    }
    if len(named) > 1:
        raise PlacidError(
            "ambiguous_checkpoints",
            f"the transformers in {folder} were trained for different RVQ-VAEs "
            f"({', '.join(sorted(named))}); keep the ones of one release in a folder",
        )
    candidates = [part for part in parts if part.kind == "rvq"]
    if named:
        # BAMM's release carries a copy of MoMask's RVQ-VAE, so any of this name will do.
        there = sorted(part.folder.name for part in candidates)
        candidates = [part for part in candidates if part.names & named][:1]
        if not candidates:
            raise PlacidError(
                "missing_weights",
                f"the transformers in {folder} were trained for the RVQ-VAE {min(named)}, which "
                f"is not there (there is: {', '.join(there) or 'none'}); unpack its folder as well",
            )
    if candidates:
        chosen["rvq"] = _only(candidates, KINDS["rvq"].title, folder)
    return {kind: chosen[kind] for kind in GENERATING if kind in chosen}


def sizes_of_codes(chosen: dict[str, Part]) -> RVQConfig | None:
    """Sizes of the chosen RVQ-VAE, which the transformers share; None when there is none."""
    try:
        return rvq_config(chosen["rvq"]) if "rvq" in chosen else None
    except PlacidError:
        return None


def _only(candidates: Sequence[Part], title: str, folder: Path) -> Part:
    if len(candidates) > 1:
        places = ", ".join(str(part.folder.relative_to(folder)) for part in candidates)
        raise PlacidError(
            "ambiguous_checkpoints",
            f"{folder} has more than one {title} ({places}); keep one, or make a folder with links "
            "to the networks that belong together",
        )
    return candidates[0]
