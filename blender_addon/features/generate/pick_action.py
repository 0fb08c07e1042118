"""Pick an action: search what the model knows, and put its example into the prompt."""

import bpy
from bpy.props import EnumProperty

from ...core import runtime
from ...core.operator_base import Operator
from ...shared.errors import PlacidError

# Blender does not keep dynamic menu entries alive; without this the labels turn to garbage.
_entries: list[tuple[str, str, str]] = []


def known_actions() -> dict[str, str]:
    """The actions that the backend's model was trained on, each with a prompt that asks for it."""
    capabilities = runtime.session().capabilities
    actions = capabilities.actions if capabilities else ()
    return {action.name: action.description for action in actions}


def _items(_operator, _context) -> list[tuple[str, str, str]]:
    _entries[:] = [
        (name, f"{name}  ({example})", example) for name, example in known_actions().items()
    ]
    return _entries


class PLACID_OT_pick_action(Operator, bpy.types.Operator):
    """Search the actions that the model knows and put one into the prompt"""

    bl_idname = "placid.pick_action"
    bl_label = "Known Actions"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "action"

    action: EnumProperty(name="Action", items=_items)

    @classmethod
    def disabled_reason(cls, context):
        if runtime.session().capabilities is None:
            return "Start the backend to see what its model knows"
        return "" if known_actions() else "This checkpoint does not say what its model knows"

    def invoke(self, context, event):
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def run(self, context):
        example = known_actions().get(self.action)
        if example is None:
            raise PlacidError("unknown_action", "the model knows no such action; search again")
        context.scene.placid.prompt = example


CLASSES = (PLACID_OT_pick_action,)
