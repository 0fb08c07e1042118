"""One file per verb."""

import bpy

from . import (
    backend,
    batch,
    cancel,
    copy_report,
    export,
    film_take,
    generate,
    in_between,
    judge_take,
    load_motion,
    mapping,
    notice,
    open_log,
    push_to_nla,
    retarget,
    set_up,
    timeline,
)

CLASSES = tuple(
    cls
    for module in (
        generate,
        timeline,
        in_between,
        cancel,
        judge_take,
        push_to_nla,
        film_take,
        retarget,
        mapping,
        export,
        batch,
        load_motion,
        notice,
        backend,
        set_up,
        open_log,
        copy_report,
    )
    for cls in module.CLASSES
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
