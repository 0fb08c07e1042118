"""What the making of one request works with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.engines.protocol import Array
from backend.generation.audit_guard import AuditGuard, Shown, Watched
from backend.generation.motion_codec import MotionCodec
from backend.generation.redraws import AuditRedraw
from backend.generation.token_sampler import ReportProgress, Sampler
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks


@dataclass(frozen=True)
class GenerationContext:
    """The tools of one request.

    Attributes:
        sampler: text vectors to token ids, with the request's settings, edits and guard.
        codec: token ids to joints and back.
        encode: prompts to text vectors (n, text_dim).
        progress: told the fraction of the whole request; raises PlacidError when it is cancelled.
        quirks: what to do where the released code is odd.
        audit_guard: looks at what was decoded; None where nobody shall.
    """

    sampler: Sampler
    codec: MotionCodec
    encode: Callable[[Sequence[str]], Array]
    progress: ReportProgress
    quirks: ReferenceQuirks = CORRECTED
    audit_guard: AuditGuard | None = None

    def shown(
        self, watched: Watched, decode: Callable[[Array], Shown]
    ) -> tuple[Shown, list[AuditRedraw]]:
        """Joints and contacts of tokens, and what the audit guard made anew in them."""
        if self.audit_guard is None:
            return decode(watched.ids), []

        def report(fraction: float, stage: str) -> None:
            # How often that happens is not known before: the bar waits.
            self.progress(0.0, "making strikes anew")

        return self.audit_guard.shown(watched, decode, report)


def subprogress(progress: ReportProgress, start: float, share: float) -> ReportProgress:
    """Progress of a part that begins at the fraction `start` of the whole and is `share` of it."""

    def report(fraction: float, stage: str) -> None:
        progress(start + share * fraction, stage)

    return report


def never_falling(progress: ReportProgress) -> ReportProgress:
    """Progress that stays where it was while something is begun again, with less memory say."""
    most = 0.0

    def report(fraction: float, stage: str) -> None:
        nonlocal most
        most = max(most, fraction)
        progress(most, stage)

    return report
