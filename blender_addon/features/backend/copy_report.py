"""Copy report: all that helps to find a fault, on the clipboard."""

import platform
from pathlib import Path

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...link import paths
from ...shared import VERSION

LOG_LINES = 40


def report_text() -> str:
    """Versions, state, the last problem and the ends of the logs."""
    current = runtime.get()
    notice = current.notice
    capabilities = current.session.capabilities
    parts = [
        f"Placid {VERSION}, Blender {bpy.app.version_string}, {platform.platform()}",
        f"Backend: {current.session.state}, {capabilities}",
        f"Problem: {notice.code}: {notice.message} {notice.details}" if notice else "No problem",
        *current.tracebacks,
    ]
    logs = (paths.backend_log(), paths.setup_log())
    parts += [f"--- {path.name}\n{_tail(path)}" for path in logs]
    # The report may be published: it names no user.
    return "\n\n".join(parts).replace(str(Path.home()), "~")


def _tail(path: Path) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:])
    except OSError:
        return "(none)"


class PLACID_OT_copy_report(Operator, bpy.types.Operator):
    """Copy versions, state, the last problem and the ends of the logs to the clipboard"""

    bl_idname = "placid.copy_report"
    bl_label = "Copy Report"

    def run(self, context):
        context.window_manager.clipboard = report_text()


CLASSES = (PLACID_OT_copy_report,)
