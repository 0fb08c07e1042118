"""The prompts of the list, drawn along the bottom of the timeline."""

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ...ui.frames import rate_of
from .block_band import spans_of

# Pixels at a scale of one; the band lies above the scroll bar, where there is room for both below
# the frame numbers.
_BOTTOM, _HEIGHT, _TEXT, _NUMBERS = 22, 20, 11, 26
_COLORS = ((0.20, 0.34, 0.52, 0.92), (0.16, 0.28, 0.44, 0.92))
_CHOSEN = (0.30, 0.52, 0.80, 0.95)
_SEAM = (1.0, 1.0, 1.0, 0.18)
_WORDS = (1.0, 1.0, 1.0, 1.0)


def band(context: bpy.types.Context) -> tuple[float, float]:
    """Bottom and top of the blocks in the region, in pixels."""
    scale = context.preferences.system.ui_scale
    free = max(0.0, context.region.height - _NUMBERS * scale)
    if free >= (_BOTTOM + _HEIGHT) * scale:
        return _BOTTOM * scale, (_BOTTOM + _HEIGHT) * scale
    return 0.0, min(free, _HEIGHT * scale)


def is_shown(context: bpy.types.Context) -> bool:
    """Whether the timeline of this context shows blocks."""
    settings = context.scene.placid_timeline
    space = context.space_data
    mode = getattr(space, "mode", "")
    return settings.show_blocks and len(settings.strips) > 0 and mode in ("TIMELINE", "DOPESHEET")


def _draw() -> None:
    context = bpy.context
    if not is_shown(context):
        return
    settings, scale = context.scene.placid_timeline, context.preferences.system.ui_scale
    bottom, top = band(context)
    rate = rate_of(context.scene)
    for index, (strip, span) in enumerate(
        zip(settings.strips, spans_of(context.scene), strict=True)
    ):
        left, right = (_pixel(context, frame) for frame in span)
        color = _CHOSEN if index == settings.strip_index else _COLORS[index % 2]
        _rectangle(left + 1, bottom, right - 1, top, color)
        half = strip.seam * rate / 2.0
        if index and half:
            seam = _pixel(context, span[0] - half), _pixel(context, span[0] + half)
            _rectangle(seam[0], bottom, seam[1], top, _SEAM)
        if top - bottom < _HEIGHT * scale:
            continue
        _write(strip.prompt, left + 6 * scale, bottom + 6 * scale, right - 4 * scale, scale)
    gpu.state.blend_set("NONE")


def _pixel(context: bpy.types.Context, frame: float) -> float:
    return float(context.region.view2d.view_to_region(frame, 0.0, clip=False)[0])


def _rectangle(left: float, bottom: float, right: float, top: float, color) -> None:
    # Text leaves blending off.
    gpu.state.blend_set("ALPHA")
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": corners})
    shader.bind()
    shader.uniform_float("color", color)
    batch.draw(shader)


def _write(text: str, left: float, bottom: float, right: float, scale: float) -> None:
    blf.size(0, _TEXT * scale)
    blf.color(0, *_WORDS)
    blf.enable(0, blf.CLIPPING)
    blf.clipping(0, left, bottom - 6 * scale, right, bottom + _HEIGHT * scale)
    blf.position(0, left, bottom, 0)
    blf.draw(0, text)
    blf.disable(0, blf.CLIPPING)


class BlockBand:
    """The draw handler, as long as the extension is on."""

    handle: object = None

    @classmethod
    def show(cls) -> None:
        """Draw from now on."""
        space = bpy.types.SpaceDopeSheetEditor
        cls.handle = space.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")

    @classmethod
    def hide(cls) -> None:
        """Draw no more."""
        if cls.handle is not None:
            bpy.types.SpaceDopeSheetEditor.draw_handler_remove(cls.handle, "WINDOW")
            cls.handle = None
