"""The panel Export, below the takes."""

import bpy

from ...core import characters
from ...ui.panel_base import Tab


class PLACID_PT_export(Tab, bpy.types.Panel):
    bl_label = "Export"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 30

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        armature = characters.target(context)
        data = armature.animation_data if armature is not None else None
        if data is not None and data.action is not None:
            layout.label(text=f"{armature.name}: {data.action.name}", icon="ACTION")
        grid = layout.grid_flow(columns=2, even_columns=True, align=True)
        for name in ("bvh", "glb", "fbx", "smplx"):
            grid.operator(f"placid.export_{name}")


CLASSES = (PLACID_PT_export,)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
