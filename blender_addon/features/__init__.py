"""One folder a feature: its properties, its panel and its operators, one file a verb."""

import importlib

import bpy

from ..link import launch
from .backend import copy_report, notice, open_log
from .backend import operators as backend_operators
from .batch import operators as batch_operators
from .direct import anchors as direct_anchors
from .direct import path as direct_path
from .direct import pins as direct_pins
from .export import operators as export_operators
from .film import operators as film_operators
from .generate import cancel, keyboard, pick_action, prompt_menus
from .generate import operators as generate_operators
from .make_safe import look, take_out
from .mapping import operators as mapping_operators
from .takes import (
    live_settings,
    load_motion,
    reduce_keys,
    retarget,
    save_asset,
    sequence_verbs,
    sheet,
    take_actions,
)
from .timeline import drag_blocks, in_between, redo_block
from .timeline import operators as timeline_operators

# The build for Blender's extension platform has no set-up.
_SET_UP = (
    (importlib.import_module(".backend.set_up", __package__),)
    if launch.offers_full_backend()
    else ()
)

CLASSES = tuple(
    cls
    for module in (
        generate_operators,
        pick_action,
        prompt_menus,
        keyboard,
        timeline_operators,
        drag_blocks,
        redo_block,
        in_between,
        look,
        take_out,
        direct_path,
        direct_anchors,
        direct_pins,
        cancel,
        take_actions,
        sequence_verbs,
        live_settings,
        save_asset,
        sheet,
        film_operators,
        retarget,
        reduce_keys,
        mapping_operators,
        export_operators,
        batch_operators,
        load_motion,
        notice,
        backend_operators,
        *_SET_UP,
        open_log,
        copy_report,
    )
    for cls in module.CLASSES
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
