"""New frames between old ones on a rig: they begin and end exactly as the rig stands there.

How the rig lies on our skeleton is read in the kept frames before and behind, and goes over from
one to the other in between; so neither rest poses nor what a rig has of its own make a seam.
"""

from dataclasses import dataclass

import numpy as np

from ..shared.motion.kinematics import Pose
from ..shared.motion.rotations import conjugate, multiply, rotate, slerp
from .binding import Binding
from .blend import Stance
from .body import Body
from .retarget import Keys, keys_of, scale_of, travel_of, turns_of


@dataclass(frozen=True)
class Carrier:
    """What a root bone does meanwhile, which carries all others.

    Attributes:
        turned: (T, 4), how far it is turned from rest, in the rig's canonical axes.
        place: (T, 3), where it is.
        rest: (3,), where it rests.
    """

    turned: np.ndarray
    place: np.ndarray
    rest: np.ndarray


def lead_through(
    pose: Pose,
    binding: Binding,
    frames: np.ndarray,
    kept: tuple[int, int],
    stance: Stance,
    carrier: Carrier | None = None,
) -> Keys:
    """Keys for some frames of a pose clip, which has the whole movement.

    Args:
        frames: those that are new.
        kept: the frames before and behind, in which the rig stands as `stance` says.
        stance: of both of them.
        carrier: of a rig whose root bone moves, in the new frames.
    """
    share = np.clip((frames - kept[0]) / max(kept[1] - kept[0], 1), 0.0, 1.0)
    ours, travel = turns_of(pose, binding), travel_of(pose, binding, scale_of(pose, binding))
    lies = multiply(conjugate(ours[list(kept)]), stance.turned)
    turned = multiply(ours[frames], slerp(lies[0], lies[1], share[:, None]))
    off = stance.hips - travel[list(kept)]
    hips = travel[frames] + off[0] + share[:, None] * (off[1] - off[0])
    if carrier is not None:
        back = conjugate(carrier.turned)
        turned = multiply(back[:, None], turned)
        hips = rotate(back, hips - carrier.place) + carrier.rest
    return keys_of(Body(binding, turned, hips), "hips")
