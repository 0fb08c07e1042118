"""Named settings of the samplers: Placid's own, and what the releases publish."""

from dataclasses import dataclass
from typing import Final

from backend.models.reference_quirks import CORRECTED, PUBLISHED, ReferenceQuirks
from shared.registry import Registry


@dataclass(frozen=True)
class Sampling:
    """Sampler settings. steps, guidance, temperature, top_k: of the base tokens (MoMask, sec. 4).

    top_k: share of the classes to leave out. residual_guidance: guidance scale of the residual
    transformer.
    """

    steps: int = 10
    guidance: float = 4.0
    temperature: float = 1.0
    top_k: float = 0.9
    residual_guidance: float = 5.0


@dataclass(frozen=True)
class Preset:
    """How the networks behave where the released code is odd, and each model's settings."""

    quirks: ReferenceQuirks
    sampling: dict[str, Sampling]


DEFAULT: Final = "default"
PRESETS: Final[Registry[Preset]] = Registry("preset")
PRESETS.register(DEFAULT, Preset(CORRECTED, {"momask": Sampling(), "bamm": Sampling()}))
# BAMM's release draws from all classes, and its evaluation guides the residual layers by 6.
PRESETS.register(
    "published",
    Preset(PUBLISHED, {"momask": Sampling(), "bamm": Sampling(top_k=0.0, residual_guidance=6.0)}),
)


def find_preset(name: str) -> Preset:
    """The preset of this name. Raises PlacidError `unknown_preset`."""
    return PRESETS.find(name)
