"""Token ids to joints and back, through the RVQ-VAE and the motion features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array, AutoencoderNetwork
from backend.generation.codebooks import Codebooks
from backend.generation.token_inpainting import pad_cyclic
from backend.motion.blending import close_loop, to_origin
from backend.motion.features import (
    CONTACTS,
    STANDS,
    Convention,
    bone_lengths,
    floor_height,
    motion_to_features,
    with_bone_lengths,
)
from backend.motion.foot_contact import ground
from backend.motion.lengths import FRAMES_PER_TOKEN
from shared.motion.motion import MotionError
from shared.motion.skeleton import BONE_LENGTHS, FEATURE_OFFSETS

# Bones, as of `bone_lengths`, whose length is the legs' in HumanML3D's scaling: to joints 5 and 8.
_LEG: Final = [4, 7]


@dataclass(frozen=True)
class Body:
    """What features leave out of joints: bone lengths (21) and the height of the floor (metres)."""

    lengths: np.ndarray
    floor: float

    @classmethod
    def of(cls, joints: np.ndarray, convention: Convention) -> "Body":
        """The body of joints (T, 22, 3), metres, Y up, on the floor that the features see."""
        return cls(bone_lengths(joints), floor_height(joints, convention))

    def fit(self, joints: np.ndarray) -> np.ndarray:
        """The motion of joints (T, 22, 3) of Placid's own skeleton on this body."""
        scale = self.lengths[_LEG].sum() / BONE_LENGTHS[1:][_LEG].sum()
        placed = joints * np.float32(scale) + np.array([0, self.floor, 0], np.float32)
        return with_bone_lengths(placed, self.lengths)


class MotionCodec:
    """The RVQ-VAE with the statistics (263) of the features that it reads and writes.

    Attributes:
        convention: of the features that it was trained on.
    """

    def __init__(
        self,
        rvq: AutoencoderNetwork,
        mean: np.ndarray,
        std: np.ndarray,
        convention: Convention,
        prepare: Callable[[], None] = lambda: None,
        revert: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep what is needed.

        Args:
            prepare: puts the request's safety edits in place; called before tokens are decoded.
            revert: takes them back; called before joints are encoded, so that what is kept of a
                motion is read by the codes that the networks know, whatever was made before.
        """
        self.convention: Convention = convention
        self._rvq = rvq
        self._mean = mean
        self._std = std
        self._prepare = prepare
        self._revert = revert

    def features(self, ids: Array) -> np.ndarray:
        """Features (4 n, 263) of token ids (n, Q)."""
        self._prepare()
        vectors = Codebooks.of(self._rvq).decode(ids[None])
        decoded = self._rvq.decode(vectors)[0]
        return decoded * self._std + self._mean

    def decode(self, ids: Array) -> tuple[np.ndarray, np.ndarray]:
        """Joints (4 n, 22, 3), metres, Y up, and contacts (4 n, 4) of token ids (n, Q)."""
        rows = self.features(ids)
        return ground(rows), rows[:, CONTACTS] > STANDS

    def loop(self, ids: Array, in_place: bool) -> tuple[np.ndarray, np.ndarray]:
        """One round of a loop of token ids (n, Q), 4 n + 1 frames: the last is the first again."""
        repeated, before = pad_cyclic(ids)
        joints, contacts = self.decode(repeated)
        start = before * FRAMES_PER_TOKEN
        round_ = slice(start, start + len(ids) * FRAMES_PER_TOKEN + 1)
        return close_loop(to_origin(joints[round_]), in_place), contacts[round_]

    def encode(self, joints: np.ndarray) -> Array:
        """Token ids (n, Q) of joints (T, 22, 3), metres, Y up, 20 fps; n is T / 4 rounded up.

        Raises:
            MotionError: for a pose that the features cannot express.
        """
        missing = -len(joints) % FRAMES_PER_TOKEN + 1  # features have a frame less than joints
        held = np.concatenate([joints, np.repeat(joints[-1:], missing, axis=0)])
        if not bone_lengths(held[:1])[_LEG].all():
            raise _unreadable(0)  # the legs' lengths are what the motion is scaled by
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = motion_to_features(held, FEATURE_OFFSETS, self.convention)
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise _unreadable(int(bad.argmax()))
        self._revert()
        normal = ((rows - self._mean) / self._std).astype(np.float32)
        return Codebooks.of(self._rvq).encode(self._rvq.encode(normal[None]))[0]


def _unreadable(frame: int) -> MotionError:
    return MotionError(
        f"the pose in frame {frame} cannot be read (bones of no length, or one that points "
        "opposite to its rest direction); change that pose a little"
    )
