"""Timeline: one motion from several prompts, listed in the panel or read from markers."""

import bpy
from bpy.props import BoolProperty

from ...core import characters, runtime
from ...core.operator_base import Operator
from ...shared.protocol.messages import Timeline
from ..generate.operators import busy, new_seed, settings_of, target_or_new
from .markers import segments_of_markers
from .settings import segments_of


class StripVerb(Operator):
    """Base of the verbs that change the list; each is one step of undo."""

    bl_options = {"REGISTER", "UNDO"}


class PLACID_OT_add_strip(StripVerb, bpy.types.Operator):
    """Add a prompt behind the chosen one"""

    bl_idname = "placid.add_strip"
    bl_label = "Add Prompt"

    def run(self, context):
        settings = context.scene.placid_timeline
        strip = settings.strips.add()
        strip.prompt = context.scene.placid.prompt
        last = len(settings.strips) - 1
        place = min(settings.strip_index + 1, last)
        settings.strips.move(last, place)
        settings.strip_index = place


class PLACID_OT_remove_strip(StripVerb, bpy.types.Operator):
    """Remove the chosen prompt"""

    bl_idname = "placid.remove_strip"
    bl_label = "Remove Prompt"

    @classmethod
    def disabled_reason(cls, context):
        return "" if context.scene.placid_timeline.strips else "The list is empty"

    def run(self, context):
        settings = context.scene.placid_timeline
        settings.strips.remove(settings.strip_index)
        settings.strip_index = max(0, min(settings.strip_index, len(settings.strips) - 1))


class PLACID_OT_move_strip(StripVerb, bpy.types.Operator):
    """Let the chosen prompt change places with its neighbour"""

    bl_idname = "placid.move_strip"
    bl_label = "Move Prompt"

    down: BoolProperty(options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context):
        many = len(context.scene.placid_timeline.strips) > 1
        return "" if many else "There is nothing to change places with"

    def run(self, context):
        settings = context.scene.placid_timeline
        place = settings.strip_index + (1 if self.down else -1)
        if 0 <= place < len(settings.strips):
            settings.strips.move(settings.strip_index, place)
            settings.strip_index = place


class PLACID_OT_strips_from_markers(StripVerb, bpy.types.Operator):
    """Fill the list from the scene's markers: each is named after its prompt and lasts until the \
next one"""

    bl_idname = "placid.strips_from_markers"
    bl_label = "From Markers"

    def run(self, context):
        segments = segments_of_markers(context.scene)
        settings = context.scene.placid_timeline
        settings.strips.clear()
        for segment in segments:
            strip = settings.strips.add()
            strip.prompt, strip.seconds = segment.prompt, segment.seconds
        settings.strip_index = 0


class PLACID_OT_generate_timeline(Operator, bpy.types.Operator):
    """Make takes that do one thing after the other, with the settings above"""

    bl_idname = "placid.generate_timeline"
    bl_label = "Generate Timeline"

    @classmethod
    def disabled_reason(cls, context):
        strips = context.scene.placid_timeline.strips
        if not strips:
            return "Add prompts to the list first"
        if not all(strip.prompt.strip() for strip in strips):
            return "A prompt of the list is empty"
        return busy() or characters.problem(context)

    def run(self, context):
        settings = context.scene.placid
        new_seed(settings)
        segments = segments_of(context.scene.placid_timeline)
        request = Timeline(segments=segments, **settings_of(settings))
        runtime.get().generate(context.scene, request, lambda: target_or_new(context))


CLASSES = (
    PLACID_OT_add_strip,
    PLACID_OT_remove_strip,
    PLACID_OT_move_strip,
    PLACID_OT_strips_from_markers,
    PLACID_OT_generate_timeline,
)
