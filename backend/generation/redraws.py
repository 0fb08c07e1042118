"""What the guards drew anew, as it is told with the result.

A provenance has one list of them, `redraws`; `cause` says which guard it was, `start` and `end`
give the frames, `attempts` what was tried, `passed` whether what was kept is above suspicion.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec


class Attempt(msgspec.Struct, frozen=True):
    """One draw that took the place of tokens.

    Attributes:
        way: `again` for the same prompt, `window` for the marked tokens and what is round them,
            `target` for all of them; the last two under the concept's target sentence.
        seed: of its random numbers.
        score: of the motion afterwards, of the concept that was found; for the audit guard the
            frames that still strike, ten thousand more for each clear strike.
    """

    way: str
    seed: int
    score: float


class Redraw(msgspec.Struct, frozen=True):
    """Tokens that were drawn anew because they looked like a concept.

    Attributes:
        concept: which one.
        asked: whether the prompt asks for it.
        margin: the prompt's text margin.
        score: of what was drawn first.
        limit: what the score was held against.
        start, end: frames [start, end) of the motion, at 20 a second; what reaches beyond the last
            frame of a loop goes on at the first.
        attempts: what was tried, in order.
        kept: the number of the attempt that was kept; -1 for what was drawn first.
        passed: whether what was kept is under the limits of all concepts.
        cause: that its tokens were suspect.
    """

    concept: str
    asked: bool
    margin: float
    score: float
    limit: float
    start: int
    end: int
    attempts: tuple[Attempt, ...]
    kept: int
    passed: bool
    cause: str = "tokens"

    def moved(self, frames: int) -> "Redraw":
        """The same in a motion that begins so many frames earlier."""
        return msgspec.structs.replace(self, start=self.start + frames, end=self.end + frames)

    @property
    def sentence(self) -> str:
        """For people."""
        why = "the prompt asks for it" if self.asked else "the first draw looked like it"
        told = f"frames {self.start} to {self.end - 1} drawn anew by the token guard, as {why}"
        return told if self.passed else f"{told}; what is left is still suspect"


class AuditRedraw(msgspec.Struct, frozen=True):
    """Frames that were made anew because the audit found a strike in them; see `Redraw`.

    Attributes:
        found: what it was, such as "softened kick".
        passed: whether the audit finds no strike in what was kept.
        cause: that its joints strike.
    """

    concept: str
    found: tuple[str, ...]
    start: int
    end: int
    attempts: tuple[Attempt, ...]
    kept: int
    passed: bool
    cause: str = "audit"

    @property
    def sentence(self) -> str:
        """For people."""
        seen = " and ".join(self.found)
        told = f"frames {self.start} to {self.end - 1} made anew, as the audit found a {seen}"
        return told if self.passed else f"{told}; it still finds a strike"


AnyRedraw = Redraw | AuditRedraw


def guard_entries(
    made: dict[str, Any], concepts: Sequence[str], redraws: Iterable[AnyRedraw]
) -> dict[str, Any]:
    """The entries of a provenance on a take that the guard watched; none where it watched nothing.

    Args:
        made: the provenance so far.
        concepts: that were watched for.
        redraws: what was drawn anew in this take.
    """
    done = list(redraws)
    if not concepts and not done:
        return {}
    told = [f"{redraw.concept}: {redraw.sentence}" for redraw in done]
    quiet = [
        f"{concept}: watched by the token guard, which drew nothing anew"
        for concept in concepts
        if not any(r.concept == concept and r.cause == "tokens" for r in done)
    ]
    return {
        "redraws": msgspec.to_builtins(done),
        "changes": [*made["changes"], *told, *quiet],
    }


def redraws_in(provenance: dict[str, Any]) -> list[AnyRedraw]:
    """What the guards drew anew in a motion, as its provenance tells."""
    kinds: dict[str, type[AnyRedraw]] = {"tokens": Redraw, "audit": AuditRedraw}
    entries = provenance.get("redraws", ())
    return [msgspec.convert(entry, kinds[entry["cause"]]) for entry in entries]
