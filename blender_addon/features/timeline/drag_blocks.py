"""Drag the prompts in the timeline: their ends for their length, themselves for their order."""

import bpy

from ...core.operator_base import Operator
from ...shared.errors import PlacidError
from ...ui.frames import seconds_of
from .block_band import Grip, grip_at, place_at, spans_of
from .draw_blocks import BlockBand, band, is_shown

_REACH = 6  # pixels


class PLACID_OT_drag_block(Operator, bpy.types.Operator):
    """Drag the end of a prompt for its length, or the prompt itself to another place"""

    bl_idname = "placid.drag_block"
    bl_label = "Drag Prompt"
    bl_options = {"REGISTER", "UNDO", "BLOCKING"}

    @classmethod
    def disabled_reason(cls, context):
        area = context.area
        if area is None or area.type != "DOPESHEET_EDITOR" or not is_shown(context):
            return "The timeline shows no prompts; add some in the panel Timeline"
        return ""

    def invoke(self, context, event):
        bottom, top = band(context)
        if not bottom <= event.mouse_region_y <= top:
            return {"PASS_THROUGH"}
        left = self._frame(context, event.mouse_region_x - _REACH)
        frame = self._frame(context, event.mouse_region_x)
        self._grip = grip_at(spans_of(context.scene), frame, frame - left)
        if self._grip is None:
            return {"PASS_THROUGH"}
        settings = context.scene.placid_timeline
        settings.strip_index = self._grip.index
        self._before = self._grip.index, settings.strips[self._grip.index].seconds
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "MOUSEMOVE":
            drag(context.scene, self._grip, self._frame(context, event.mouse_region_x))
            self._grip = Grip(context.scene.placid_timeline.strip_index, self._grip.part)
            self._tell(context)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            context.area.header_text_set(None)
            return {"FINISHED"}
        elif event.type in ("ESC", "RIGHTMOUSE"):
            self._put_back(context)
            return {"CANCELLED"}
        return {"RUNNING_MODAL"}

    def run(self, context):
        raise PlacidError("no_mouse", "prompts are dragged with the mouse; edit the list instead")

    def _frame(self, context, x: float) -> float:
        return context.region.view2d.region_to_view(x, 0)[0]

    def _tell(self, context) -> None:
        strip = context.scene.placid_timeline.strips[self._grip.index]
        words = f"{strip.prompt}: {strip.frames} frames, {strip.seconds:.2f} s"
        context.area.header_text_set(words)

    def _put_back(self, context) -> None:
        settings = context.scene.placid_timeline
        place, seconds = self._before
        settings.strips.move(settings.strip_index, place)
        settings.strips[place].seconds = seconds
        settings.strip_index = place
        context.area.header_text_set(None)


def drag(scene: bpy.types.Scene, grip: Grip, frame: float) -> None:
    """Take a block, which is the chosen one, or its end to a frame."""
    settings, spans = scene.placid_timeline, spans_of(scene)
    if grip.part == "end":
        frames = max(1, round(frame - spans[grip.index][0]))
        settings.strips[grip.index].seconds = seconds_of(scene, frames)
        return
    place = place_at(spans, grip.index, frame)
    if place != grip.index:
        settings.strips.move(grip.index, place)
        settings.strip_index = place


CLASSES = (PLACID_OT_drag_block,)


class _Keys:
    """The keys that were added, to be taken away with the extension."""

    added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Draw the blocks, and listen to the mouse in the timeline."""
    BlockBand.show()
    # Without a window there are no key maps.
    if keys := bpy.context.window_manager.keyconfigs.addon:
        keymap = keys.keymaps.new("Dopesheet", space_type="DOPESHEET_EDITOR")
        item = keymap.keymap_items.new(
            PLACID_OT_drag_block.bl_idname, "LEFTMOUSE", "PRESS", head=True
        )
        _Keys.added.append((keymap, item))


def unregister() -> None:
    """Leave neither drawing nor keys behind."""
    for keymap, item in _Keys.added:
        keymap.keymap_items.remove(item)
    _Keys.added.clear()
    BlockBand.hide()
