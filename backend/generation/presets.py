"""Named settings of the samplers: Placid's own, and what the releases publish."""

from dataclasses import dataclass
from typing import Final

from backend.generation.sampling import PUBLISHED_BAMM, Sampling
from backend.models.reference_quirks import CORRECTED, PUBLISHED, ReferenceQuirks
from shared.registry import Registry


@dataclass(frozen=True)
class Preset:
    """How the networks behave where the released code is odd, and each model's settings."""

    quirks: ReferenceQuirks
    sampling: dict[str, Sampling]


DEFAULT: Final = "default"
PRESETS: Final[Registry[Preset]] = Registry("preset")
PRESETS.register(DEFAULT, Preset(CORRECTED, {"momask": Sampling(), "bamm": Sampling()}))
PRESETS.register("published", Preset(PUBLISHED, {"momask": Sampling(), "bamm": PUBLISHED_BAMM}))


def find_preset(name: str) -> Preset:
    """The preset of this name. Raises PlacidError `unknown_preset`."""
    return PRESETS.find(name)
