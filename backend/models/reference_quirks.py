"""Published oddities of MoMask and BAMM that change results, each as a named choice.

``PUBLISHED`` does what the released code does, which is what its weights were trained and evaluated
with; ``CORRECTED`` does what the method means, and is the default.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceQuirks:
    """Choices between the released code and its intent.

    doubled_logits: the residual transformer without shared weights returns 2 * logits + bias; the
        released code adds the logits to themselves together with the bias, which halves the
        temperature. Weights trained that way expect it.
    stable_ties: BAMM's second pass regenerates the half of the tokens with the lowest scores, but
        all scores are equal, so the order of ties decides. True takes the first half, the same on
        every machine; False takes what ``argsort`` without a promise of stability gives, as
        released.
    overwrites_known: BAMM's passes rewrite every column, also known ones and those behind the end.
        Known tokens are put back afterwards, but later columns have seen what replaced them. False
        writes only what is wanted, which also allows for a cache.
    second_pass_guidance: BAMM's guidance scale in the second pass. The released code fixes 3 and
        ignores the caller's scale there; None uses the caller's scale in both passes.
    edits_something: an edit that leaves a sample nothing to regenerate replaces its first token
        all the same, because the released code masks at least one token per step.
    edits_all_residuals: MoMask's `edit_t2m` ends a range at the token below its last frame, and
        draws the residual layers of all tokens again, kept ones included, with guidance 2. False
        keeps what is not edited, in all layers, and edits every token that holds a frame of the
        range.
    """

    doubled_logits: bool = False
    stable_ties: bool = True
    overwrites_known: bool = False
    second_pass_guidance: float | None = None
    edits_something: bool = False
    edits_all_residuals: bool = False


CORRECTED = ReferenceQuirks()
PUBLISHED = ReferenceQuirks(
    doubled_logits=True,
    stable_ties=False,
    overwrites_known=True,
    second_pass_guidance=3.0,
    edits_something=True,
    edits_all_residuals=True,
)
