"""Films motions, reads and writes files, without a window, for whoever started this process."""

import os
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import bpy

from ..character.sample_rigs import RIGS
from ..retargeting import bone_mapping, override_mapping
from ..shared.errors import PlacidError
from ..shared.filming.orders import (
    Answer,
    Drawn,
    Failed,
    Film,
    Filmed,
    Order,
    ReadAnimations,
    Ready,
    WriteAnimation,
    decode_order,
    encode_answer,
    split_rig,
)
from .animations import read_animations, write_animation
from .films import film, sheet


def main() -> None:
    """Carry out orders until the input is closed."""
    channel = _own_output()
    # Characters' files keep the bone mappings that were chosen for them.
    override_mapping.register()
    bone_mapping.register()
    orders: queue.Queue[Order] = queue.Queue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    channel.write(encode_answer(Ready(bpy.app.version_string)))
    _tell_progress(channel)
    while True:
        channel.write(encode_answer(_carry_out(orders.get())))


def _tell_progress(channel: BinaryIO) -> None:
    """Say after each picture of an animation how much of it is there."""

    @bpy.app.handlers.persistent
    def tell(scene: bpy.types.Scene, *_about: object) -> None:
        done = scene.frame_current - scene.frame_start + 1
        share = done / max(1, scene.frame_end - scene.frame_start + 1)
        channel.write(encode_answer(Drawn(min(1.0, max(0.0, share)))))

    bpy.app.handlers.render_post.append(tell)


def _own_output() -> BinaryIO:
    """A way to the parent that Blender's own prints do not use; those go to the log."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return channel


def _read_orders(orders: queue.Queue[Order]) -> None:
    """Ends this process with its parent, even in the middle of a picture."""
    for line in sys.stdin.buffer:
        orders.put(decode_order(line))
    os._exit(0)


def _carry_out(order: Order) -> Answer:
    try:
        if isinstance(order, ReadAnimations):
            return read_animations(order)
        if isinstance(order, WriteAnimation):
            return write_animation(order)
        with _character(order.rig) as armature:
            if isinstance(order, Film):
                return Filmed(film(armature, order))
            return Filmed(sheet(armature, order))
    except PlacidError as error:
        return Failed(error.code, error.message)
    except Exception as error:
        sys.excepthook(*sys.exc_info())
        return Failed("internal", f"something unforeseen went wrong ({error}); see the log")


@contextmanager
def _character(rig: str) -> Iterator[bpy.types.Object]:
    """An armature in a file of its own."""
    if rig in RIGS:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        yield RIGS[rig](bpy.context)
        return
    path, name = split_rig(rig)
    try:
        # Scripts of a file stay asleep: what is loaded is never executed.
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise PlacidError(
            "unknown_rig", f"{path} cannot be opened ({error}); choose a .blend file"
        ) from error
    yield _armature(Path(path).name, name)


def _armature(file: str, name: str) -> bpy.types.Object:
    armatures = {o.name: o for o in bpy.context.scene.objects if o.type == "ARMATURE"}
    if name in armatures:
        return armatures[name]
    if not name and len(armatures) == 1:
        return next(iter(armatures.values()))
    have = ", ".join(sorted(armatures)) or "none"
    asked = f"no armature {name!r}" if name else "more than one armature, or none"
    raise PlacidError(
        "unknown_rig",
        f"{file} has {asked} (it has: {have}); write one of them behind a #, as in {file}#Armature",
    )
