"""The panel Sheet: all takes of a generation side by side, as small figures that move."""

import time
from typing import Final

import bpy
import bpy.utils.previews

from ...core import audits, runtime, takes
from ...core.operator_base import Operator
from ...shared.errors import PlacidError
from ...ui.panel_base import Tab
from .figure import RATE, SIZE, Figure

_CELL: Final = 5.0  # of Blender's units of a button's height
_UNIT: Final = 20.0  # pixels of such a unit
# So long after it was drawn for the last time nobody looks at the sheet any more.
_UNSEEN_SECONDS: Final = 1.0
_MOST_FIGURES: Final = 128


class Sheet:
    """The figures of the takes that are looked at, and their pictures."""

    def __init__(self) -> None:
        self._icons: bpy.utils.previews.ImagePreviewCollection | None = None
        self._figures: dict[str, Figure | None] = {}
        self._waiting: dict[str, bytes] = {}
        self._shown: dict[str, float] = {}
        self._number = 0

    def icon(self, take) -> int:
        """The picture of a take, which moves from now on for as long as it is asked for."""
        key = f"{take.id_data.session_uid} {take.number}"
        self._shown[key] = time.monotonic()
        if key not in self._figures:
            self._waiting[key] = take.motion
        runtime.get().scheduler.start(self.tick, 0.0)
        return self._picture(key).icon_id

    def tick(self) -> float | None:
        """Draw the next picture of every figure that is looked at; None when none is."""
        until = time.monotonic() - _UNSEEN_SECONDS
        self._shown = {key: seen for key, seen in self._shown.items() if seen > until}
        self._read_one()
        self._number += 1
        for key in self._shown:
            figure = self._figures.get(key)
            if figure is not None:
                pixels = figure.draw(self._number)
                self._picture(key).image_pixels_float.foreach_set(pixels.ravel())
        runtime.redraw()
        return 1.0 / RATE if self._shown else None

    def close(self) -> None:
        """Forget all figures and pictures."""
        self._figures.clear()
        self._waiting.clear()
        self._shown.clear()
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None

    def _read_one(self) -> None:
        """One motion a time, so that a sheet of many takes holds nothing up."""
        if not self._waiting:
            return
        key, data = self._waiting.popitem()
        if len(self._figures) >= _MOST_FIGURES:
            self._figures.pop(next(iter(self._figures)))
        try:
            self._figures[key] = Figure.of(takes.unpack_motion(data))
        except PlacidError:
            # The take itself says that it is damaged, once it is chosen.
            self._figures[key] = None

    def _picture(self, key: str):
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        if key not in self._icons:
            self._icons.new(key).image_size = SIZE, SIZE
        return self._icons[key]


SHEET = Sheet()


class PLACID_OT_choose_take(Operator, bpy.types.Operator):
    """Show this take"""

    bl_idname = "placid.choose_take"
    bl_label = "Choose Take"
    bl_options = {"REGISTER", "UNDO"}

    number: bpy.props.IntProperty(name="Number", description="Of the take")

    @classmethod
    def description(cls, context, properties):
        rows = context.scene.placid.takes
        names = (take.name for take in rows if take.number == properties.number)
        return f"Show {next(names, 'this take')}"

    def run(self, context):
        settings = context.scene.placid
        numbers = [take.number for take in settings.takes]
        if self.number not in numbers:
            raise PlacidError("no_take", f"there is no take {self.number}; choose one of the list")
        # The index shows the take by its update callback.
        settings.take_index = numbers.index(self.number)


class PLACID_PT_sheet(Tab, bpy.types.Panel):
    bl_label = "Sheet"
    bl_parent_id = "PLACID_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return bool(context.scene.placid.takes)

    def draw(self, context: bpy.types.Context) -> None:
        scene = context.scene
        chosen = takes.active(scene)
        if chosen is None:
            return
        scale = context.preferences.system.ui_scale
        columns = max(1, int(context.region.width / (1.15 * _CELL * _UNIT * scale)))
        grid = self.layout.grid_flow(row_major=True, columns=columns, even_columns=True)
        for take in together_with(scene, chosen):
            _draw_cell(grid.column(align=True), take, take == chosen)


def together_with(scene: bpy.types.Scene, chosen) -> list:
    """The takes that were made together with one; those that were loaded belong together."""
    return [take for take in scene.placid.takes if take.generation == chosen.generation]


def _draw_cell(cell: bpy.types.UILayout, take, is_chosen: bool) -> None:
    cell.active = take.status != "REJECTED"
    cell.template_icon(icon_value=SHEET.icon(take), scale=_CELL)
    row = cell.row(align=True)
    text = str(take.number)
    row.operator("placid.choose_take", text=text, depress=is_chosen).number = take.number
    row.prop(take, "favourite", text="", icon="SOLO_ON" if take.favourite else "SOLO_OFF")
    if audits.count(take):
        row.label(text="", icon="ERROR")


CLASSES = (PLACID_OT_choose_take,)


def register() -> None:
    bpy.utils.register_class(PLACID_PT_sheet)


def unregister() -> None:
    bpy.utils.unregister_class(PLACID_PT_sheet)
    SHEET.close()
