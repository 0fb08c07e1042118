"""One file per verb."""

import bpy

from . import (
    backend,
    batch,
    cancel,
    copy_report,
    export,
    generate,
    judge_take,
    load_motion,
    mapping,
    open_log,
    push_to_nla,
    retarget,
    set_up,
)

CLASSES = tuple(
    cls
    for module in (
        generate,
        cancel,
        judge_take,
        push_to_nla,
        retarget,
        mapping,
        export,
        batch,
        load_motion,
        backend,
        set_up,
        open_log,
        copy_report,
    )
    for cls in module.CLASSES
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
