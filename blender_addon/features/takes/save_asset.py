"""Save as Asset: a take in the Asset Browser, with a picture, tags and what made it."""

from typing import Final

import bpy

from ...core import runtime, takes
from ...core.safety_words import safety_of
from .figure import SIZE, Figure
from .take_actions import TakeVerb

_DESCRIPTION: Final = 1000  # characters that Blender keeps
_WORD: Final = 3  # letters of a word that is worth a tag


class PLACID_OT_save_asset(TakeVerb, bpy.types.Operator):
    """Accept the take and offer its action in the Asset Browser, with a picture of it, its prompt
    and what made it"""

    bl_idname = "placid.save_asset"
    bl_label = "Save as Asset"

    def run(self, context):
        take = takes.active(context.scene)
        takes.accept(context.scene, take)
        mark(take)
        where = "" if bpy.data.filepath else "; save the file to keep it"
        self.report({"INFO"}, f"{take.action.name} is in the Asset Browser{where}")
        runtime.redraw()


def mark(take) -> None:
    """Make an asset of the take's action. Raises PlacidError when the take is damaged."""
    motion = takes.unpack_motion(take.motion)
    action = take.action
    action.asset_mark()
    data = action.asset_data
    data.description = description_of(take)[:_DESCRIPTION]
    data.author = f"Placid {motion.provenance.get('placid', '')}".strip()
    for tag in tags_of(take):
        data.tags.new(tag, skip_if_exists=True)
    figure = Figure.of(motion)
    preview = action.preview_ensure()
    preview.image_size = SIZE, SIZE
    # The middle of a motion tells more than its beginning.
    preview.image_pixels_float.foreach_set(figure.draw(len(figure) // 2).ravel())


def description_of(take) -> str:
    """Prompt, length, safety and seed in a line, then how it was made."""
    first = f"{take.prompt} ({take.seconds:.1f} s, {safety_of(take)}, seed {take.seed})"
    return "\n".join(filter(None, (first, take.label, *take.changes.splitlines())))


def tags_of(take) -> list[str]:
    """Placid, the words of the prompt that tell something, and the safety method."""
    words = "".join(c if c.isalnum() else " " for c in take.prompt.lower()).split()
    telling = dict.fromkeys(w for w in words if len(w) > _WORD and w not in ("person", "then"))
    return ["placid", *telling, f"safety {take.safety}"]


CLASSES = (PLACID_OT_save_asset,)
