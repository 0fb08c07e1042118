"""How takes are put on a character: the settings of the Motion panel, kept in the .blend."""

from collections.abc import Callable
from dataclasses import replace

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty

from ..retargeting.apply_motion import ApplyOptions
from ..rig.key_reduction import Bounds
from ..shared.motion.changes import Change

# Told of a scene whose settings have changed.
LISTENERS: list[Callable[[bpy.types.Scene], None]] = []


def _changed(settings, _context) -> None:
    for listener in LISTENERS:
        listener(settings.id_data)


class PlacidMotion(bpy.types.PropertyGroup):
    """Settings on the scene; they count when a take is baked."""

    pin_strength: FloatProperty(
        update=_changed,
        name="Foot Pinning",
        description="How firmly feet that stand are held in place; 0 leaves them as they come",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    root_motion: EnumProperty(
        update=_changed,
        name="Travel",
        description="What carries the character through the scene",
        items=[
            ("hips", "Hips", "The hips travel; the root bone stays where it is"),
            ("root", "Root Bone", "The root bone travels on the floor, as game engines want it"),
            ("in_place", "In Place", "Nothing travels: the character moves on the spot"),
        ],
    )
    start: EnumProperty(
        update=_changed,
        name="Start",
        description="Where the first keyframe goes",
        items=[
            ("SCENE", "Scene Start", "The first frame of the scene"),
            ("CURRENT", "Current Frame", "The frame the playhead is on when the take is baked"),
            ("FRAME", "Frame", "A frame of your choice"),
        ],
    )
    frame: IntProperty(update=_changed, name="Start Frame", default=1)
    own_rate: BoolProperty(
        update=_changed,
        name="Own Key Rate",
        description="Set keyframes at another rate than one for each frame of the scene",
    )
    fps: FloatProperty(
        update=_changed,
        name="Keys a Second",
        default=20.0,
        min=1.0,
        max=240.0,
        step=100,
        precision=2,
    )
    keys: EnumProperty(
        update=_changed,
        name="Keys",
        description="How many keyframes a take gets",
        items=[
            ("EVERY", "Every Frame", "A keyframe in each frame: exactly what was generated"),
            ("REDUCED", "Reduced", "As few as the bounds below allow, to be edited by hand"),
        ],
    )
    key_angle: FloatProperty(
        update=_changed,
        name="Rotation",
        description="Degrees by which fewer keyframes may turn a bone otherwise",
        default=0.5,
        min=0.01,
        max=10.0,
        precision=2,
    )
    key_distance: FloatProperty(
        update=_changed,
        name="Hands and Feet",
        description="Millimetres by which fewer keyframes may take hands and feet elsewhere",
        default=3.0,
        min=0.1,
        max=100.0,
        precision=1,
    )
    blend_in: IntProperty(
        update=_changed,
        name="Blend In",
        description="Frames in which the motion takes over from the pose or action that is there, "
        "starting where the character stands; 0 starts at once at the character's origin",
        min=0,
        max=250,
    )
    blend_out: IntProperty(
        update=_changed,
        name="Blend Out",
        description="Frames at the end in which the pose or action that is there takes over again",
        min=0,
        max=250,
    )
    overlap: IntProperty(
        name="Overlap",
        description="Frames in which an appended take leads over from the one before it, which "
        "still plays meanwhile",
        default=10,
        min=1,
        max=250,
    )
    mirror: BoolProperty(
        update=_changed,
        name="Mirror",
        description="Left and right change places",
    )
    speed: FloatProperty(
        update=_changed,
        name="Speed",
        description="How many times as fast the take plays as it was made",
        default=1.0,
        min=0.1,
        max=10.0,
        soft_min=0.5,
        soft_max=2.0,
        step=5,
        precision=2,
    )
    cut_start: FloatProperty(
        update=_changed,
        name="Trim Start",
        description="Seconds that are left out at the beginning, of the take as it was made",
        default=0.0,
        min=0.0,
        max=120.0,
        step=10,
        precision=2,
    )
    cut_end: FloatProperty(
        update=_changed,
        name="End",
        description="Seconds that are left out at the end, of the take as it was made",
        default=0.0,
        min=0.0,
        max=120.0,
        step=10,
        precision=2,
    )
    loop: BoolProperty(
        update=_changed,
        name="Loop",
        description="Keep the part that repeats best and close it, so that it can play for ever; "
        "a loop is not blended",
    )


def apply_options(scene: bpy.types.Scene, name: str) -> ApplyOptions:
    """The scene's settings for baking an action of the given name."""
    settings = scene.placid_motion
    return ApplyOptions(
        name=name,
        frame_start=first_frame(scene),
        pin_strength=settings.pin_strength,
        root_motion=settings.root_motion,
        fps=settings.fps if settings.own_rate else None,
        blend_in=settings.blend_in,
        blend_out=settings.blend_out,
        loop=settings.loop,
        change=Change(
            settings.mirror,
            round(settings.speed, 3),
            round(settings.cut_start, 3),
            round(settings.cut_end, 3),
        ),
        bounds=key_bounds(scene) if settings.keys == "REDUCED" else None,
    )


def first_frame(scene: bpy.types.Scene) -> int:
    """The scene's frame in which a take begins that is baked now."""
    settings = scene.placid_motion
    starts = {"SCENE": scene.frame_start, "CURRENT": scene.frame_current, "FRAME": settings.frame}
    return starts[settings.start]


def key_bounds(scene: bpy.types.Scene) -> Bounds:
    """The scene's bounds for fewer keys, in its own unit."""
    settings = scene.placid_motion
    metres = settings.key_distance / 1000.0
    return Bounds(settings.key_angle, metres / scene.unit_settings.scale_length)


def in_place_of(options: ApplyOptions, frame: int) -> ApplyOptions:
    """The options for a motion that takes the place of another one, frame by frame."""
    return replace(
        options, frame_start=frame, fps=None, blend_in=0, blend_out=0, loop=False, change=Change()
    )


def led_over(options: ApplyOptions, frame: int, frames: int) -> ApplyOptions:
    """The options for a motion that leads over from what plays, in so many frames from one on."""
    return replace(options, frame_start=frame, blend_in=frames, blend_out=0, loop=False)


def register() -> None:
    bpy.utils.register_class(PlacidMotion)
    bpy.types.Scene.placid_motion = PointerProperty(type=PlacidMotion)


def unregister() -> None:
    del bpy.types.Scene.placid_motion
    bpy.utils.unregister_class(PlacidMotion)
