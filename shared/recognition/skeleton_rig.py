"""The `Rig` value: an armature's rest pose as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import PlacidError


class RigError(PlacidError):
    """An armature that cannot be animated; the message names the rig and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_rig", message)


@dataclass(frozen=True)
class Rig:
    """Rest pose of an armature, in armature space.

    Attributes:
        name: the armature object's name, for messages.
        bones: bone names, parents before children.
        parents: int (N,), index of each bone's parent, -1 for none.
        rest: float (N, 4, 4), rest matrices; the y axis runs along the bone, any roll.
        tails: float (N, 3), where each bone ends.
        up: float (3,), the direction that points up in the world.
        inherits_rotation: bool (N,), False where a bone ignores its parent's rotation.
        local_location: bool (N,), False where a bone's location is in armature axes.
        connected: bool (N,), True where a bone hangs on its parent's tail and cannot be moved.
    """

    name: str
    bones: tuple[str, ...]
    parents: np.ndarray
    rest: np.ndarray
    tails: np.ndarray
    up: np.ndarray
    inherits_rotation: np.ndarray
    local_location: np.ndarray
    connected: np.ndarray

    def index(self, bone: str) -> int:
        """Position of a bone by name. Raises RigError when the rig has no such bone."""
        try:
            return self.bones.index(bone)
        except ValueError:
            raise RigError(
                f"{self.name} has no bone {bone!r}; choose another mapping or edit this one"
            ) from None

    @property
    def heads(self) -> np.ndarray:
        """Where each bone starts, (N, 3)."""
        return self.rest[:, :3, 3]

    def ancestors(self, bone: int) -> list[int]:
        """Parents of a bone, nearest first."""
        found = []
        while (bone := int(self.parents[bone])) >= 0:
            found.append(bone)
        return found

    def common_ancestor(self, bones: Sequence[int]) -> int | None:
        """The deepest bone from which all the bones hang, itself among them, or None."""
        lines = [[bone, *self.ancestors(bone)] for bone in bones]
        shared = set(lines[0]).intersection(*lines[1:])
        return next((bone for bone in lines[0] if bone in shared), None)

    def path(self, ancestor: int, bone: int) -> tuple[int, ...]:
        """The bones below `ancestor` on the way to `bone`, which is the last."""
        if ancestor == bone:
            return ()
        line = [bone, *self.ancestors(bone)]
        return tuple(reversed(line[: line.index(ancestor)]))
