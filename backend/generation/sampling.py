"""How tokens are drawn: the settings of all samplers, complete, as one value."""

from typing import Final

import msgspec

from shared.protocol.messages import SamplingOptions


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the samplers; the defaults are MoMask's published ones (section 4).

    Attributes:
        steps: iterations of the unmasking.
        guidance: classifier-free guidance scale of the base tokens.
        temperature: of the draws of the base tokens.
        dropped_share: share of the classes, the least likely ones, that are never drawn, 0 to 1.
        residual_guidance: classifier-free guidance scale of the residual tokens.
    """

    steps: int = 10
    guidance: float = 4.0
    temperature: float = 1.0
    dropped_share: float = 0.9
    residual_guidance: float = 5.0

    def guided(self, guidance: float | None) -> "Sampling":
        """The same with another guidance scale of the base tokens, if there is one."""
        return self if guidance is None else msgspec.structs.replace(self, guidance=guidance)

    def chosen(self, options: SamplingOptions) -> "Sampling":
        """The same with all that a request chooses in its place."""
        chosen = {k: v for k, v in msgspec.structs.asdict(options).items() if v is not None}
        return msgspec.structs.replace(self, **chosen)

    @property
    def of_residuals(self) -> "Sampling":
        """What the residual layers are drawn with: their own guidance, and all else as published.

        MoMask draws them at temperature 1 from the best tenth of the classes, whatever the base
        tokens are drawn with.
        """
        return Sampling(guidance=self.residual_guidance)


PUBLISHED_BAMM: Final = Sampling(dropped_share=0.0, residual_guidance=6.0)
"""BAMM's release draws from all classes, and its evaluation guides the residual layers by 6."""

EDIT_RESIDUALS: Final = Sampling(guidance=2.0)
"""MoMask's `edit_t2m` guides the residual layers by 2."""
