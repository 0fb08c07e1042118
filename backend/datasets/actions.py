"""What a person does in a motion: the vocabulary that labels, captions and checks share."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from shared.motion.skeleton import Side

VIOLENT_KINDS: Final = frozenset(
    {"kick", "punch", "boxing", "karate", "sword", "fight", "slap", "shoot", "archery", "block"}
    | {"hit_reaction", "fighting_stance"}
)

# The classes that the quality bar of the embedded model is measured on.
QUALITY_KINDS: Final = (
    "walk_forward",
    "walk_backward",
    "run",
    "turn_left",
    "turn_right",
    "jump",
    "wave",
    "raise_hand",
    "bow",
    "dance",
    "kick",
    "punch",
    "boxing",
)


@dataclass(frozen=True)
class Action:
    """One action with its qualities.

    Attributes:
        kind: the class, such as `walk_forward`; every kind has wordings in `phrases`.
        side: the limb that acts; None when it has none or it is unknown.
        style: manner of a stylised capture, such as `happy` or `old`.
        speed: `slow` or `fast`; None for an ordinary pace.
        variant: a finer sort within the kind, such as `roundhouse` for kicks.
        count: how often it is done, 1 to 6; None where that cannot be counted or is not known.
    """

    kind: str
    side: Side | None = None
    style: str | None = None
    speed: Literal["slow", "fast"] | None = None
    variant: str | None = None
    count: int | None = None

    @property
    def violent(self) -> bool:
        """Whether the action belongs to the concept that the safety edits remove."""
        return self.kind in VIOLENT_KINDS


_OPPOSITE: Final[dict[str, Literal["left", "right"]]] = {"left": "right", "right": "left"}


def mirror_action(action: Action) -> Action:
    """The action that remains when left and right change places."""
    stem, _, direction = action.kind.rpartition("_")
    kind = f"{stem}_{_OPPOSITE[direction]}" if direction in _OPPOSITE else action.kind
    side: Side | None = action.side
    if side is not None and side != "both":
        side = _OPPOSITE[side]
    return replace(action, kind=kind, side=side)
