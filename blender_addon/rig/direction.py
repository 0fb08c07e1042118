"""What a retargeted movement has to keep to, beside the motion."""

from dataclasses import dataclass

from .blend import Kept
from .limb_pins import LimbPin
from .terrain import Ground


@dataclass(frozen=True)
class Direction:
    """Wishes.

    Attributes:
        kept: what the rig does in single frames, which the motion has met on our own skeleton.
        pins: hands and feet that are held.
        ground: what feet stand on, where it is not the character's own floor.
    """

    kept: Kept | None = None
    pins: tuple[LimbPin, ...] = ()
    ground: Ground | None = None


NOWHERE = Direction()
