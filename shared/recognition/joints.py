"""Our joints where a rig's bones are, for a rig of any number of bones in spine and neck."""

from collections.abc import Mapping as Dictionary

import numpy as np

from ..motion.skeleton import JOINT, JOINT_COUNT
from .mapping import Mapping


def joints_at(places: Dictionary[tuple[str, str], np.ndarray], mapping: Mapping) -> np.ndarray:
    """Our joints (T, 22, 3); what a rig has no bone for lies between or behind its neighbours.

    Args:
        places: (T, 3) of every mapped bone, by its name and `head` or `tail`.
    """
    found = {joint: places[bone, "head"] for joint, bone in mapping.bones.items()}
    chain = [found["pelvis"], *(places[bone, "head"] for bone in mapping.spine)]
    top = places[(mapping.spine or (mapping.bones["pelvis"],))[-1], "tail"]
    found.setdefault("head", places[mapping.neck[-1], "tail"] if mapping.neck else top)
    found["neck"] = places[mapping.neck[0], "head"] if mapping.neck else found["head"]
    if len(chain) == 1:
        chain = [found["pelvis"], found["neck"]]
    for number in (1, 2, 3):
        # The spine's bones are spread over our three joints as the binding spreads them.
        found[f"spine{number}"] = _along(chain, number * (len(chain) - 1) / 3)
    for side in ("left", "right"):
        shoulder = found[f"{side}_shoulder"]
        found.setdefault(f"{side}_collar", (2 * found["neck"] + shoulder) / 3)
        found.setdefault(f"{side}_wrist", places[mapping.bones[f"{side}_elbow"], "tail"])
        found.setdefault(f"{side}_foot", places[mapping.bones[f"{side}_ankle"], "tail"])
    joints = np.empty((len(found["pelvis"]), JOINT_COUNT, 3))
    for name, index in JOINT.items():
        joints[:, index] = found[name]
    return joints


def _along(chain: list[np.ndarray], at: float) -> np.ndarray:
    low = min(int(at), len(chain) - 2)
    return chain[low] + (at - low) * (chain[low + 1] - chain[low])
