"""What a take keeps in the .blend."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .naming import rename
from .ranking import NO_MATCH


class PlacidKeptPose(bpy.types.PropertyGroup):
    """A frame whose pose is kept."""

    frame: IntProperty(name="Frame", description="Scene frame whose pose is kept")
    pose: PointerProperty(
        name="Pose",
        type=bpy.types.Action,
        description="A pose of a library for this frame; empty: what the character does there",
    )


class PlacidTake(bpy.types.PropertyGroup):
    """One generated motion; `motion` holds the file that `save_motion` writes."""

    # Blender's own name of an entry of a list, which renames what the take has brought.
    name: StringProperty(
        name="Name",
        description="Of the take, its action, its strip and its track",
        update=lambda take, _context: rename(take),
    )
    number: IntProperty(name="Number", description="Counts the takes of the scene")
    generation: StringProperty(description="Tells which takes were made together")
    favourite: BoolProperty(name="Favourite", description="Keep an eye on this take")
    match: FloatProperty(
        name="Prompt Match",
        description="How well the motion fits its prompt, as the evaluator sees it: -1 to 1; -2 "
        "where nobody looked",
        default=NO_MATCH,
    )
    slide: FloatProperty(
        name="Foot Slide", description="Metres a second that standing feet slide as generated"
    )
    prompt: StringProperty(name="Prompt")
    seed: IntProperty(name="Seed")
    request: StringProperty(description="What was asked for, as JSON")
    safety: StringProperty(name="Safety")
    concepts: StringProperty(name="Concepts")
    label: StringProperty(description="What was forgotten and what not, in a sentence")
    changes: StringProperty(description="What the safety edit changed, a line for each thing")
    doubt: StringProperty(description="What the model does not know of the prompt, in a sentence")
    audit: StringProperty(description="The strikes found, as JSON; empty when nobody looked")
    seconds: FloatProperty(name="Length", unit="TIME_ABSOLUTE")
    status: EnumProperty(
        name="Status",
        items=[
            ("NEW", "New", "Not judged yet", "DOT", 0),
            ("ACCEPTED", "Accepted", "Kept: its action is saved with the file", "CHECKMARK", 1),
            ("REJECTED", "Rejected", "Its action was removed; the motion is still here", "X", 2),
        ],
    )
    placed: BoolProperty(description="Whether it belongs to a frame of its own")
    place: IntProperty(description="Scene frame of its first key, when it was made for a place")
    kept: CollectionProperty(type=PlacidKeptPose)
    kept_on: PointerProperty(type=bpy.types.Object, description="Whose poses it keeps")
    block_count: IntProperty(description="Prompts that it acts on one after another; 0 for one")
    seam: IntProperty(
        description="Frames in which it leads over from the strip before it; 0 if not appended"
    )
    mirrored: BoolProperty(description="Whether its action has left and right exchanged")
    speed: FloatProperty(default=1.0, description="How many times as fast its action plays")
    cut_start: FloatProperty(description="Seconds that its action leaves out at the beginning")
    report: StringProperty(name="Report")
    armature: PointerProperty(type=bpy.types.Object)
    action: PointerProperty(type=bpy.types.Action)
    baked: StringProperty(description="What its action was like when it was baked")
    before: PointerProperty(
        type=bpy.types.Action, description="The action the armature had before this take"
    )
    before_slot: IntProperty(description="Handle of the slot of that action")
    before_pose: StringProperty(description="How the armature stood then, as JSON")
    original: PointerProperty(
        type=bpy.types.Action, description="The action of which it is a repaired copy"
    )
    uid: StringProperty(description="Tells takes apart, whatever they are called")
    motion: StringProperty(subtype="BYTE_STRING")


register, unregister = bpy.utils.register_classes_factory((PlacidKeptPose, PlacidTake))
