"""Pins of a scene as goals for a rig's limbs, frame by frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..rig.binding import Binding
from ..rig.limb_pins import LimbPin
from ..shared.errors import PlacidError
from ..shared.motion.limb_twist import smoothstep
from .ground import Ground


@dataclass(frozen=True)
class ScenePin:
    """A limb that is held in a range of scene frames.

    Attributes:
        limb: one of `rig.limb_pins.LIMBS`.
        target: what it is held to, at its origin; None for where the limb is in the first frame.
        first, last: frames in which it is held fully.
        blend: frames before and after, in which it goes there and is let go.
    """

    limb: str
    target: bpy.types.Object | None
    first: int
    last: int
    blend: int

    @property
    def sentence(self) -> str:
        """Which one it is, for a person."""
        where = f" at {self.target.name}" if self.target is not None else ""
        return f"{self.limb.replace('_', ' ')}{where} in frames {self.first} to {self.last}"


def pin_goals(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    binding: Binding,
    pins: Sequence[ScenePin],
    frames: np.ndarray,
) -> tuple[LimbPin, ...]:
    """The pins for the frames (T,) of a movement.

    Raises:
        PlacidError: `bad_pin` for one that ends before it begins.
    """
    for pin in pins:
        if pin.last < pin.first:
            raise PlacidError(
                "bad_pin",
                f"the pin of the {pin.limb.replace('_', ' ')} begins in frame {pin.first} and ends "
                f"in frame {pin.last}; let it end later",
            )
    targets = [pin.target for pin in pins if pin.target is not None]
    places = _places(scene, armature, binding, targets, frames)
    goals = {target.name_full: place for target, place in zip(targets, places, strict=True)}
    return tuple(
        LimbPin(
            pin.limb,
            None if pin.target is None else goals[pin.target.name_full],
            _weights(pin, frames),
        )
        for pin in pins
    )


def _weights(pin: ScenePin, frames: np.ndarray) -> np.ndarray:
    outside = np.maximum(np.maximum(pin.first - frames, frames - pin.last), 0.0)
    return 1.0 - smoothstep(outside / (pin.blend + 1.0), 0.0, 1.0)


def _places(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    binding: Binding,
    targets: Sequence[bpy.types.Object],
    frames: np.ndarray,
) -> list[np.ndarray]:
    """Where each target is (T, 3), in the binding's axes and unit."""
    if not targets:
        return []
    current, found = (scene.frame_current, scene.frame_subframe), []
    try:
        for frame in frames.tolist():
            scene.frame_set(int(frame // 1), subframe=float(frame % 1))
            depsgraph = bpy.context.evaluated_depsgraph_get()
            ground = Ground.of(np.array(armature.evaluated_get(depsgraph).matrix_world), binding)
            worlds = [target.evaluated_get(depsgraph).matrix_world for target in targets]
            points = np.array([world.translation[:] for world in worlds])
            found.append(ground.inside(points) * ground.size(binding))
    finally:
        scene.frame_set(current[0], subframe=current[1])
    return list(np.moveaxis(np.array(found), 1, 0))
