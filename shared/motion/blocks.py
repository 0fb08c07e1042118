"""The prompts that a motion acts on one after another, as its provenance tells them."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec

_KEY: Final = "timeline"


class Block(msgspec.Struct, frozen=True, array_like=True):
    """One prompt and how many seconds it is acted on."""

    prompt: str
    seconds: float


def blocks_in(provenance: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks of a motion in order of time; none where it has one prompt only."""
    try:
        return msgspec.convert(provenance[_KEY], tuple[Block, ...])
    except (KeyError, msgspec.ValidationError):
        return ()


def blocks_entry(blocks: Sequence[Block]) -> dict[str, Any]:
    """The blocks as an entry of a provenance; nothing where there are none."""
    return {_KEY: msgspec.to_builtins(list(blocks))} if blocks else {}


def spans(blocks: Sequence[Block], fps: float, frames: int) -> list[tuple[int, int]]:
    """Frames [start, end) of each block in a motion of so many frames; the last one gets the rest.

    Blocks for which no frame is left are empty.
    """
    ends = [min(frames, round(end * fps)) for end in accumulate(block.seconds for block in blocks)]
    return list(zip([0, *ends[:-1]], [*ends[:-1], frames], strict=True)) if blocks else []


def renamed(
    blocks: Sequence[Block],
    spanned: Sequence[tuple[int, int]],
    frames: Sequence[tuple[int, int]],
    prompt: str,
) -> tuple[Block, ...]:
    """The blocks once frames were made anew: those that are these frames have the new prompt."""
    return tuple(
        Block(prompt, block.seconds) if span in frames else block
        for block, span in zip(blocks, spanned, strict=True)
    )
