"""Redo: one prompt of a take that has several is acted on anew; and a take's prompts listed."""

import bpy

from ...core import runtime, sequence, takes
from ...core.operator_base import Operator
from ...shared.errors import PlacidError
from ...shared.motion.blocks import blocks_in, spans
from ...shared.motion.motion import Motion
from ...shared.protocol.messages import EditMotion
from ..generate.operators import busy, new_seed, settings_of, target_or_new


class BlockVerb(Operator):
    """Base of the verbs about the blocks of the chosen take."""

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is None or not take.block_count:
            return "The chosen take has one prompt only; Generate Timeline makes one of several"
        return ""


class PLACID_OT_redo_block(BlockVerb, bpy.types.Operator):
    """Act on the chosen prompt anew, as a new take; the other prompts stay as they are"""

    bl_idname = "placid.redo_block"
    bl_label = "Redo Prompt"

    @classmethod
    def disabled_reason(cls, context):
        if reason := super().disabled_reason(context):
            return reason
        settings = context.scene.placid_timeline
        if not settings.strip_index < len(settings.strips):
            return "Choose a prompt of the list"
        if not settings.strips[settings.strip_index].prompt.strip():
            return "The chosen prompt is empty"
        return busy()

    def run(self, context):
        scene, take = context.scene, takes.active(context.scene)
        settings = scene.placid_timeline
        motion = takes.unpack_motion(take.motion)
        frames = _frames_of(motion, settings)
        new_seed(scene.placid)
        request = EditMotion(
            prompt=settings.strips[settings.strip_index].prompt.strip(),
            frames=(frames,),
            **settings_of(scene.placid),
        )
        place = None if take.action is None else round(sequence.first_frame(take))
        armature = take.armature
        runtime.get().generate(
            scene, request, lambda: armature or target_or_new(context), motion, place
        )


class PLACID_OT_strips_from_take(BlockVerb, bpy.types.Operator):
    """Fill the list with the prompts of the chosen take"""

    bl_idname = "placid.strips_from_take"
    bl_label = "From Take"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        take, settings = takes.active(context.scene), context.scene.placid_timeline
        blocks = blocks_in(takes.unpack_motion(take.motion).provenance)
        settings.strips.clear()
        for block in blocks:
            strip = settings.strips.add()
            strip.prompt, strip.seconds = block.prompt, block.seconds
        settings.strip_index = 0


def _frames_of(motion: Motion, settings) -> tuple[int, int]:
    """The frames of the chosen block in a motion. Raises PlacidError `other_blocks`."""
    blocks = blocks_in(motion.provenance)
    listed = [round(strip.seconds, 2) for strip in settings.strips]
    if listed != [round(block.seconds, 2) for block in blocks]:
        raise PlacidError(
            "other_blocks",
            "the list has other lengths than the chosen take; press Generate Timeline to make all "
            "of it, or From Take to list what the take has",
        )
    start, end = spans(blocks, motion.fps, len(motion))[settings.strip_index]
    if start == end:
        raise PlacidError("other_blocks", "the take ends before this prompt begins; choose another")
    return start, end


CLASSES = (PLACID_OT_redo_block, PLACID_OT_strips_from_take)
