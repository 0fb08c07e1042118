"""Placid: a prompt becomes a safe animation on an armature."""

from . import features
from .core import motion_settings, pins, runtime, take_properties
from .features.backend import preferences
from .features.batch import panel as batch_panel
from .features.batch import run as batch_run
from .features.batch import settings as batch_settings
from .features.direct import panel as direct_panel
from .features.direct import settings as direct_settings
from .features.export import panel as export_panel
from .features.film import job as film_job
from .features.generate import keyboard, properties
from .features.generate import panel as generate_panel
from .features.generate.scripting import generate_blocking
from .features.make_safe import panel as make_safe_panel
from .features.make_safe import settings as make_safe_settings
from .features.mapping import panel as mapping_panel
from .features.takes import editor_tabs, live_settings, sheet
from .features.takes import panel as takes_panel
from .features.timeline import drag_blocks
from .features.timeline import panel as timeline_panel
from .features.timeline import settings as timeline_settings
from .retargeting import bone_mapping, override_mapping

__all__ = ["generate_blocking", "register", "unregister"]

_PARTS = (
    preferences,
    take_properties,
    properties,
    batch_settings,
    timeline_settings,
    direct_settings,
    make_safe_settings,
    pins,
    override_mapping,
    bone_mapping,
    motion_settings,
    features,
    generate_panel,
    keyboard,
    takes_panel,
    sheet,
    live_settings,
    editor_tabs,
    direct_panel,
    mapping_panel,
    timeline_panel,
    make_safe_panel,
    drag_blocks,
    export_panel,
    batch_panel,
)


def register() -> None:
    for part in _PARTS:
        part.register()


def unregister() -> None:
    # What runs ends first: the batch and the film use the backend and the scene's properties.
    batch_run.close()
    film_job.close()
    runtime.unregister()
    for part in reversed(_PARTS):
        part.unregister()
