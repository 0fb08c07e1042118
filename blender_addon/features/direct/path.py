"""Path: the character goes along a curve of the scene."""

import bpy
import numpy as np

from ...core import characters, runtime
from ...core.motion_settings import apply_options
from ...core.operator_base import Operator
from ...retargeting.ground import Ground
from ...retargeting.read_curve import read_curve
from ...shared.errors import PlacidError
from ...shared.protocol.messages import Generate, Path
from ..generate.operators import busy, new_seed, settings_of, target_or_new
from .chosen_item import RemoveChosen

# A new curve leads so many metres of our skeleton ahead.
_METRES_AHEAD = 4.0
# Left, up and forward, as columns, of somebody who stands in Blender's front view.
_FACING_FRONT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
# Points of a curve nearer to one another than this (metres) tell nothing.
_NEAR = 0.01
_FLOOR = [0, 2]


class PLACID_OT_add_path(Operator, bpy.types.Operator):
    """Add a curve that leads ahead of the character, to be bent in Edit Mode"""

    bl_idname = "placid.add_path"
    bl_label = "Add Curve"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if context.mode != "OBJECT":
            return "Leave the present mode first: curves are added in Object Mode"
        return characters.problem(context)

    def run(self, context):
        armature = characters.target(context)
        cursor = np.array(context.scene.cursor.location)
        ground = Ground(cursor, _FACING_FRONT, 1.0)
        if armature is not None:
            ground = Ground.below(armature)
        ahead = ground.axes[:, 2] * _METRES_AHEAD / ground.scale
        data = bpy.data.curves.new("Path", "CURVE")
        data.dimensions = "3D"
        spline = data.splines.new("BEZIER")
        spline.bezier_points.add(2)
        for number, point in enumerate(spline.bezier_points):
            point.co = (ahead * number / 2).tolist()
            point.handle_left_type = point.handle_right_type = "AUTO"
        item = bpy.data.objects.new("Path", data)
        item.location = ground.origin.tolist()
        context.collection.objects.link(item)
        context.scene.placid_direction.curve = item


class PLACID_OT_add_waypoint(Operator, bpy.types.Operator):
    """Add a waypoint beside the middle of the curve, for the current frame"""

    bl_idname = "placid.add_waypoint"
    bl_label = "Add Waypoint"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if context.scene.placid_direction.curve else "Choose a curve first"

    def run(self, context):
        settings = context.scene.placid_direction
        line = read_curve(settings.curve, context.evaluated_depsgraph_get())
        marker = bpy.data.objects.new("Waypoint", None)
        marker.empty_display_type = "SPHERE"
        marker.empty_display_size = 0.1
        marker.location = line[len(line) // 2]
        context.collection.objects.link(marker)
        waypoint = settings.waypoints.add()
        waypoint.place, waypoint.frame = marker, context.scene.frame_current
        settings.waypoint_index = len(settings.waypoints) - 1


class PLACID_OT_remove_waypoint(RemoveChosen, bpy.types.Operator):
    """Remove the chosen waypoint from the list; its object stays"""

    bl_idname = "placid.remove_waypoint"
    bl_label = "Remove Waypoint"
    LIST = ("placid_direction", "waypoints", "waypoint_index")


class PLACID_OT_follow_path(Operator, bpy.types.Operator):
    """Make takes in which the character goes along the curve, in the way that the prompt says"""

    bl_idname = "placid.follow_path"
    bl_label = "Follow Curve"

    @classmethod
    def disabled_reason(cls, context):
        if not context.scene.placid.prompt.strip():
            return "Say how to go first, for example: a person walks"
        if context.scene.placid_direction.curve is None:
            return "Choose a curve first"
        return busy() or characters.problem(context)

    def run(self, context):
        scene = context.scene
        # Where somebody stands who is not there yet is known only when they are.
        armature = target_or_new(context)
        start = round(apply_options(scene, "").frame_start)
        new_seed(scene.placid)
        request = Generate(
            prompt=scene.placid.prompt.strip(),
            seconds=_seconds(scene),
            path=path_of(context, armature, start),
            **settings_of(scene.placid),
        )
        runtime.get().generate(scene, request, lambda: armature, place=start)


def path_of(context: bpy.types.Context, armature: bpy.types.Object, start: int) -> Path:
    """The scene's curve, waypoints and target as a request has them, for an armature.

    Args:
        start: scene frame of the take's first key.

    Raises:
        PlacidError: `bad_path` for a curve or a waypoint that cannot be followed.
    """
    settings = context.scene.placid_direction
    ground = Ground.below(armature)
    line = ground.inside(read_curve(settings.curve, context.evaluated_depsgraph_get()))[:, _FLOOR]
    points = _thinned(line)
    times: list[float | None] = [None] * len(points)
    rate = _rate(context.scene)
    for waypoint in settings.waypoints:
        if waypoint.place is None:
            raise PlacidError(
                "bad_path",
                f"the waypoint for frame {waypoint.frame} has no object; choose one or remove it",
            )
        place = ground.inside(np.array(waypoint.place.matrix_world.translation))[_FLOOR]
        at = _put_in(points, times, place)
        times[at] = (waypoint.frame - start) / rate
    face = None
    if settings.face is not None:
        x, z = ground.inside(np.array(settings.face.matrix_world.translation))[_FLOOR].tolist()
        face = (round(x, 4), round(z, 4))
    return Path(
        points=tuple((round(float(x), 4), round(float(z), 4)) for x, z in points),
        times=tuple(times) if any(time is not None for time in times) else (),
        face=face,
    )


def _seconds(scene: bpy.types.Scene) -> float | None:
    settings = scene.placid_direction
    return None if settings.length == "CURVE" else settings.frames / _rate(scene)


def _rate(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


def _thinned(line: np.ndarray) -> list[np.ndarray]:
    """The points of a line (n, 2) without those that are hardly apart; both ends stay."""
    kept = [line[0]]
    for point in line[1:-1]:
        if np.linalg.norm(point - kept[-1]) >= _NEAR and np.linalg.norm(point - line[-1]) >= _NEAR:
            kept.append(point)
    return [*kept, line[-1]]


def _put_in(points: list[np.ndarray], times: list[float | None], place: np.ndarray) -> int:
    """Where in the line the point nearest to a place is, which becomes one of its points."""
    line = np.array(points)
    ways = np.diff(line, axis=0)
    square = np.maximum((ways**2).sum(-1), 1e-12)
    share = np.clip(((place - line[:-1]) * ways).sum(-1) / square, 0.0, 1.0)
    feet = line[:-1] + share[:, None] * ways
    at = int(np.linalg.norm(feet - place, axis=-1).argmin())
    for near, known in ((at, share[at] < 1e-3), (at + 1, share[at] > 1.0 - 1e-3)):
        if known:
            return near
    points.insert(at + 1, feet[at])
    times.insert(at + 1, None)
    return at + 1


CLASSES = (
    PLACID_OT_add_path,
    PLACID_OT_add_waypoint,
    PLACID_OT_remove_waypoint,
    PLACID_OT_follow_path,
)
