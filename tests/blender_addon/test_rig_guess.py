"""Rigs that no preset knows: recognised by the words in their names, else by their shape."""

import numpy as np
import pytest
from plain_rigs import make_rig, named_rig, rest_positions

from shared.motion.skeleton import JOINT, JOINT_NAMES

# Ways in which riggers name things; spine, neck and head stay as they are.
DAZ = {
    "pelvis": "hip",
    "hip": "ThighBend",
    "knee": "Shin",
    "ankle": "Foot",
    "foot": "Toe",
    "collar": "Collar",
    "shoulder": "ShldrBend",
    "elbow": "ForearmBend",
    "wrist": "Hand",
}
BIPED = {
    "pelvis": "Bip01 Pelvis",
    "hip": "Thigh",
    "knee": "Calf",
    "ankle": "Foot",
    "foot": "Toe0",
    "collar": "Clavicle",
    "shoulder": "UpperArm",
    "elbow": "Forearm",
    "wrist": "Hand",
}
VAGUE = {
    "pelvis": "body",
    "hip": "leg",
    "knee": "knee",
    "ankle": "foot",
    "foot": "toes",
    "collar": "scapula",
    "shoulder": "shoulder",
    "elbow": "elbow",
    "wrist": "wrist",
}
MISSPELT = VAGUE | {"knee": "lowerlegg", "elbow": "foream", "collar": "clavical"}
SIDES = {
    "daz": (DAZ, lambda side, part: f"{side[0]}{part}"),
    "biped": (BIPED, lambda side, part: f"Bip01 {side[0].upper()} {part}"),
    "vague": (VAGUE, lambda side, part: f"{part}_{side.upper()}"),
    "misspelt": (MISSPELT, lambda side, part: f"hero:{part}.{side[0].upper()}"),
}


def names_of(kind: str) -> dict[str, str]:
    """Joint to bone name for all 22 joints."""
    parts, sided = SIDES[kind]
    names = {}
    for joint in JOINT_NAMES:
        side, _, part = joint.rpartition("_")
        names[joint] = sided(side, parts[part]) if side else parts.get(joint, joint)
    return names


@pytest.mark.parametrize("kind", SIDES)
def test_unknown_names_are_understood(rig, kind) -> None:
    names = names_of(kind)
    mapping = rig.detect.detect(named_rig(rig, names)).mapping
    assert mapping.name == "Recognised by names"
    limbs = {joint: bone for joint, bone in mapping.bones.items() if "_" in joint}
    assert limbs == {joint: bone for joint, bone in names.items() if "_" in joint}
    assert mapping.spine == tuple(names[f"spine{i}"] for i in (1, 2, 3))
    assert (mapping.neck, mapping.bones["head"]) == ((names["neck"],), names["head"])


@pytest.mark.parametrize(("arms", "elbow"), [(0.0, 0.0), (0.8, 0.2), (1.4, 0.1)])
@pytest.mark.parametrize("facing", [1.0, -1.0])
def test_meaningless_names_are_recognised_by_shape(rig, arms, elbow, facing) -> None:
    joints = rest_positions(arms, elbow) * (facing, facing, 1.0)
    bones = tuple(f"bone{i:02d}" for i in range(len(JOINT_NAMES)))
    mapping = rig.detect.detect(make_rig(rig, joints, seed=3, bones=bones)).mapping
    assert mapping.name == "Recognised by shape"
    # Collars of a straight arm may pass for part of it, the rest may not.
    for joint, index in JOINT.items():
        if joint in mapping.bones:
            assert mapping.bones[joint] == bones[index], joint
    assert {f"{s}_{j}" for s in ("left", "right") for j in ("foot", "wrist")} <= set(mapping.bones)
    assert len(mapping.spine) == 3


def test_a_table_is_no_human(rig) -> None:
    """Four legs and a top."""
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=float)
    rest = np.tile(np.eye(4), (5, 1, 1))
    rest[1:, :3, 3] = corners
    rest[0, 2, 3] = 1.0
    table = rig.skeleton_rig.Rig(
        name="Table",
        bones=("top", *(f"leg{i}" for i in range(4))),
        parents=np.array([-1, 0, 0, 0, 0]),
        rest=rest,
        tails=rest[:, :3, 3] - (0.0, 0.0, 1.0),
        up=np.array([0.0, 0.0, 1.0]),
        inherits_rotation=np.ones(5, dtype=bool),
        local_location=np.ones(5, dtype=bool),
        connected=np.zeros(5, dtype=bool),
    )
    with pytest.raises(rig.skeleton_rig.RigError, match="Table"):
        rig.detect.detect(table)


def test_own_presets_come_before_those_that_ship(rig) -> None:
    shipped = rig.detect.detect(make_rig(rig, rest_positions())).mapping
    own = rig.mapping.parse_mapping(
        rig.mapping.format_mapping(shipped.without({"left_foot"})).replace(shipped.name, "Mine"),
        "text",
    )
    found = rig.detect.detect(make_rig(rig, rest_positions()), [own]).mapping
    assert found.name == "Mine"
    assert "left_foot" not in found.bones


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("hand.L", "hand.R"),
        ("mixamorig:LeftUpLeg", "mixamorig:RightUpLeg"),
        ("J_Bip_L_Hand", "J_Bip_R_Hand"),
        ("lThighBend", "rThighBend"),
        ("upperarmleft", "upperarmright"),
        ("THIGH_R", "THIGH_L"),
        ("collar", "collar"),
    ],
)
def test_names_have_counterparts(rig, name, other) -> None:
    assert rig.bone_names.mirror_name(name) == other
    assert rig.bone_names.mirror_name(other) == name
