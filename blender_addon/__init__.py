"""Placid: a prompt becomes a safe animation on an armature."""

from . import (
    batch_panel,
    batch_settings,
    bone_mapping,
    export_panel,
    motion_panel,
    motion_settings,
    operators,
    panels,
    preferences,
    properties,
    runtime,
    takes_panel,
    timeline_panel,
    timeline_settings,
)
from .scripting import generate_blocking

__all__ = ["generate_blocking", "register", "unregister"]

_PARTS = (
    preferences,
    properties,
    batch_settings,
    timeline_settings,
    bone_mapping,
    motion_settings,
    operators,
    panels,
    takes_panel,
    motion_panel,
    timeline_panel,
    export_panel,
    batch_panel,
)


def register() -> None:
    for part in _PARTS:
        part.register()


def unregister() -> None:
    runtime.unregister()
    for part in reversed(_PARTS):
        part.unregister()
