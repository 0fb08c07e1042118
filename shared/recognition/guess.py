"""A mapping for a rig that no preset knows: by the words in its bones' names, else by its shape."""

import itertools
from collections.abc import Callable
from typing import Final

from .anatomy import find_head, find_limbs
from .bone_names import read_name
from .mapping import Mapping, MappingError
from .skeleton_rig import Rig

# Joints without a side, or with one, to bone indices of a rig.
Found = dict[str, int]

_SIDES: Final = ("left", "right")
# A limb from its root outwards: each bone has to hang on the one before.
_CHAINS: Final = (("hip", "knee", "ankle", "foot"), ("collar", "shoulder", "elbow", "wrist"))
_UNSURE: Final = {
    "leg": ("hip", "knee"),
    "arm root": ("shoulder", "collar"),
    "foot": ("ankle", "foot"),
}
_ROOT_HEIGHT: Final = 0.1  # of the pelvis' height, up to which a root bone lies on the floor


def guess(rig: Rig) -> Mapping | None:
    """The mapping that names, or else the skeleton's shape, suggest; None when neither does."""
    ways: tuple[tuple[str, Callable[[Rig], Found | None]], ...] = (
        ("Recognised by names", _limbs_by_name),
        ("Recognised by shape", find_limbs),
    )
    for name, way in ways:
        found = way(rig)
        mapping = None if found is None else _complete(rig, name, found)
        if mapping is not None:
            return mapping
    return None


def _limbs_by_name(rig: Rig) -> Found | None:
    """Limbs and head whose names say what they are; None unless arms and legs are whole."""
    names = [read_name(bone) for bone in rig.bones]
    found: Found = {}
    unsure: list[tuple[int, str, str]] = []
    # Bones come parents first: of two with one name the one nearer to the trunk is meant.
    for bone, name in enumerate(names):
        if not name.part:
            continue
        if name.part == "toes":
            found.setdefault(f"{name.side}_foot", bone)
        elif name.part in _UNSURE:
            unsure.append((bone, name.side, name.part))
        elif name.side:
            found.setdefault(f"{name.side}_{name.part}", bone)
        else:
            found.setdefault(name.part, bone)
    for bone, side, part in unsure:
        free = [f"{side}_{p}" for p in _UNSURE[part] if f"{side}_{p}" not in found]
        if free:
            found[free[0]] = bone
    found.pop("spine", None)
    return found if _hangs_together(rig, found) else None


def _hangs_together(rig: Rig, found: Found) -> bool:
    """Whether both arms and legs are there, each bone below the one before."""
    for side in _SIDES:
        for chain in _CHAINS:
            bones = [found.get(f"{side}_{part}") for part in chain]
            inner = [bone for bone in bones if bone is not None]
            needed = bones[:3] if chain[0] == "hip" else bones[1:3]
            if None in needed or len(set(inner)) < len(inner):
                return False
            pairs = itertools.pairwise(inner)
            if not all(upper in rig.ancestors(lower) for upper, lower in pairs):
                return False
    return True


def _complete(rig: Rig, name: str, found: Found) -> Mapping | None:
    """Pelvis, spine, neck and root between the limbs; None when the limbs do not hang together."""
    legs = [found[f"{side}_hip"] for side in _SIDES]
    arms = [found.get(f"{side}_collar", found[f"{side}_shoulder"]) for side in _SIDES]
    chest = rig.common_ancestor(arms)
    if chest is None:
        return None
    pelvis = rig.common_ancestor([*legs, chest])
    if pelvis is None:
        pelvis = found.get("pelvis")
    if pelvis is None or pelvis in legs or chest in arms:
        return None
    joints = {joint: bone for joint, bone in found.items() if "_" in joint}
    joints["pelvis"] = pelvis
    neck: tuple[int, ...] = ()
    head = found.get("head", find_head(rig, arms, legs))
    if head is not None and chest in rig.ancestors(head):
        joints["head"] = head
        neck = rig.path(chest, head)[:-1]
    mapping = Mapping(
        name=name,
        bones={joint: rig.bones[bone] for joint, bone in joints.items()},
        spine=tuple(rig.bones[bone] for bone in rig.path(pelvis, chest)),
        neck=tuple(rig.bones[bone] for bone in neck),
        root=_root(rig, pelvis),
    )
    try:
        mapping.check()
    except MappingError:
        return None
    return mapping


def _root(rig: Rig, pelvis: int) -> str | None:
    """A bone on the floor above the pelvis in the tree, which can carry the travel."""
    heights = rig.heads @ rig.up
    for bone in reversed(rig.ancestors(pelvis)):
        if abs(heights[bone]) < _ROOT_HEIGHT * abs(heights[pelvis]):
            return rig.bones[bone]
    return None
