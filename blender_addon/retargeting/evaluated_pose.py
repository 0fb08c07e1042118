"""What an armature really does: its evaluated pose in the world, frame by frame.

The one reader of poses: constraints, drivers, the NLA, parents and the object's own motion are in
what it returns. Frame and visibility are afterwards as they were.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..shared.errors import PlacidError
from .animation_state import capture, restore


@dataclass(frozen=True)
class PosePath:
    """Bones of an armature in some frames.

    Attributes:
        matrices: (T, B, 4, 4), of the bones in armature space.
        tails: (T, B, 3), where the bones end in armature space.
        world: (T, 4, 4), of the armature object in the world.
        local: (T, 4, 4), of the armature object as its parent has it.
    """

    matrices: np.ndarray
    tails: np.ndarray
    world: np.ndarray
    local: np.ndarray

    @property
    def heads(self) -> np.ndarray:
        """Where the bones start in armature space, (T, B, 3)."""
        return self.matrices[..., :3, 3]


def sample_pose(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    bones: Sequence[str],
    frames: Sequence[float],
    poses: Sequence[bpy.types.Action | None] = (),
) -> PosePath:
    """The evaluated pose of some bones in some frames.

    Args:
        poses: what is put on the armature in each frame, for the bones that it keys.

    Raises:
        PlacidError: `not_posed` when the armature is in Edit Mode or in Rest Position, or is in
            no view layer of the scene.
    """
    check_posed(armature)
    current = scene.frame_current, scene.frame_subframe
    matrices, tails, world, local = [], [], [], []
    state = capture(armature) if any(poses) else None
    with evaluated(scene, [armature]) as layer:
        try:
            for number, frame in enumerate(frames):
                scene.frame_set(int(frame // 1), subframe=float(frame % 1))
                pose = poses[number] if poses else None
                if pose is not None:
                    armature.pose.apply_pose_from_action(pose, evaluation_time=pose.frame_range[0])
                    layer.update()
                posed = armature.evaluated_get(layer.depsgraph)
                found = [posed.pose.bones[name] for name in bones]
                matrices.append([np.array(bone.matrix) for bone in found])
                tails.append([bone.tail[:] for bone in found])
                world.append(np.array(posed.matrix_world))
                local.append(np.array(posed.matrix_local))
        finally:
            if state is not None:
                restore(armature, state)
            scene.frame_set(current[0], subframe=current[1])
    shape = (len(frames), len(bones))
    return PosePath(
        np.array(matrices).reshape(*shape, 4, 4),
        np.array(tails).reshape(*shape, 3),
        np.array(world).reshape(-1, 4, 4),
        np.array(local).reshape(-1, 4, 4),
    )


def to_world(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (T, B, 3) under matrices (T, 4, 4)."""
    turned = np.einsum("tij,tbj->tbi", matrices[:, :3, :3], points)
    return turned + matrices[:, None, :3, 3]


def check_posed(armature: bpy.types.Object) -> None:
    """Raises PlacidError `not_posed` when an armature cannot show what it plays."""
    if armature.data.is_editmode:
        raise PlacidError(
            "not_posed", f"{armature.name} is in Edit Mode and does not move; press Tab to leave it"
        )
    if armature.data.pose_position == "REST":
        raise PlacidError(
            "not_posed",
            f"{armature.name} is in Rest Position and does not move; choose Pose Position in the "
            "properties of its armature data",
        )


@contextlib.contextmanager
def evaluated(
    scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]
) -> Iterator[bpy.types.ViewLayer]:
    """A view layer in which objects of a scene are visible; Blender skips hidden ones.

    Objects become visible for as long as they are needed, in whatever way they were hidden.
    """
    active = bpy.context.view_layer
    layers = list(scene.view_layers)
    layer = active if active in layers else layers[0]
    hidden = [item for item in objects if not item.visible_get(view_layer=layer)]
    with contextlib.ExitStack() as undo:
        undo.callback(layer.update)
        for item in hidden:
            _unhide(scene, layer, item, undo)
        layer.update()
        yield layer


def _unhide(
    scene: bpy.types.Scene,
    layer: bpy.types.ViewLayer,
    item: bpy.types.Object,
    undo: contextlib.ExitStack,
) -> None:
    # Nothing hides the scene's own collection.
    collection = scene.collection
    if item not in list(collection.objects):
        collection.objects.link(item)
        undo.callback(collection.objects.unlink, item)
    if item.hide_viewport:
        item.hide_viewport = False
        undo.callback(setattr, item, "hide_viewport", True)
    layer.update()
    if item.hide_get(view_layer=layer):
        item.hide_set(False, view_layer=layer)
        undo.callback(item.hide_set, True, view_layer=layer)
