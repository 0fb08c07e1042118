"""Labels of windows, on motions whose path, steps, jumps and limbs are made up and so known."""

from dataclasses import replace

import numpy as np
import pytest

from backend.datasets.actions import Action
from backend.datasets.labelling import limbs, steps
from backend.datasets.labelling.travel import locomotion, travel
from backend.datasets.labelling.windows import cuts, label
from backend.datasets.sources import Segment
from shared.motion.skeleton import JOINT
from tests.backend.datasets.motions import kicking, standing

WALK = Action("walk_forward")


def along(angles: np.ndarray, speed: float | np.ndarray, off: float = 0.0) -> np.ndarray:
    """A body that glides where it faces, plus `off` degrees; angles (T,), left positive."""
    joints = standing(len(angles))
    facing = np.radians(angles)
    cos, sin = np.cos(facing)[:, None], np.sin(facing)[:, None]
    x, z = joints[..., 0].copy(), joints[..., 2].copy()
    joints[..., 0], joints[..., 2] = cos * x + sin * z, cos * z - sin * x
    way = facing + np.radians(off)
    step = np.stack([np.sin(way), 0 * way, np.cos(way)], axis=-1) / 20
    step *= np.broadcast_to(np.asarray(speed, dtype=float)[..., None], (len(angles), 1))
    return (joints + np.cumsum(step, axis=0)[:, None]).astype(np.float32)


def named(joints: np.ndarray, base: Action = WALK) -> str | None:
    found = locomotion(travel(joints), base)
    return found and found.kind


def stepping(count: int, stride: float = 0.6, swing: int = 8, rest: int = 4) -> np.ndarray:
    """A body that takes `count` steps, one foot after the other, and stands at both ends."""
    joints = standing(20 + count * (swing + rest))
    feet = dict.fromkeys(("left", "right"), 0.0)
    place = {side: np.zeros(len(joints)) for side in feet}
    for number in range(count):
        side = ("right", "left")[number % 2]
        start = 10 + number * (swing + rest)
        goal = max(feet.values()) + stride / 2 + (stride / 2 if 0 < number < count - 1 else 0)
        place[side][start : start + swing] = np.linspace(feet[side], goal, swing)
        place[side][start + swing :] = goal
        feet[side] = goal
    for side, way in place.items():
        for part in ("ankle", "foot"):
            joints[:, JOINT[f"{side}_{part}"], 2] += way
    body = [j for name, j in JOINT.items() if not name.endswith(("ankle", "foot"))]
    joints[:, body, 2] += ((place["left"] + place["right"]) / 2)[:, None]
    return joints


def hopping(tops: list[int], frames: int) -> np.ndarray:
    """A body that leaves the floor around each frame of `tops`."""
    joints = standing(frames)
    for top in tops:
        for frame in range(top - 4, top + 5):
            joints[frame, :, 1] += 0.3 * (1 - ((frame - top) / 5) ** 2)
    return joints


def sinking(frames: int, down: int, up: int, height: float) -> np.ndarray:
    """A body whose pelvis goes down to `height` metres over half a second and up again."""
    joints = standing(frames)
    share = np.clip((np.arange(frames) - down) / 10, 0, 1)
    share -= np.clip((np.arange(frames) - up) / 10, 0, 1)
    upper = [j for name, j in JOINT.items() if not name.endswith(("knee", "ankle", "foot"))]
    joints[:, upper, 1] -= (share * (0.95 - height))[:, None]
    return joints


class TestTravel:
    @pytest.mark.parametrize(
        ("off", "kind"),
        [
            (0, "walk_forward"),
            (9, "walk_forward"),
            (-25, "walk_diagonal_right"),
            (25, "walk_diagonal_left"),
            (90, "side_step_left"),
            (-80, "side_step_right"),
            (180, "walk_backward"),
            (-170, "walk_backward"),
        ],
    )
    def test_the_direction_is_seen_from_the_body(self, off: float, kind: str) -> None:
        for heading in (0, 70, 179, -120):
            assert named(along(np.full(60, float(heading)), 1.0, off)) == kind

    @pytest.mark.parametrize("sign", [1, -1])
    def test_turns_are_told_from_curves_and_circles(self, sign: int) -> None:
        side = "left" if sign > 0 else "right"
        sharp = sign * 90 * np.clip((np.arange(80) - 30) / 12, 0, 1)
        assert named(along(sharp, 1.0)) == f"turn_{side}"
        assert named(along(2 * sharp, 1.0)) == f"about_turn_{side}"
        assert named(along(sign * np.linspace(0, 100, 80), 1.0)) == f"walk_curve_{side}"
        assert named(along(sign * np.linspace(0, 360, 120), 1.0)) == f"walk_circle_{side}"
        assert named(along(sharp, 0.02)) == f"turn_in_place_{side}"

    def test_what_is_not_clear_is_called_nothing(self) -> None:
        half = np.linspace(0, 38, 80)  # neither straight nor a turn
        assert named(along(half, 1.0)) is None
        assert named(along(np.linspace(0, 90, 80), 1.0, off=90)) is None

    def test_a_winding_path_and_a_stroll(self) -> None:
        wave = 45 * np.sin(np.linspace(0, 2 * np.pi, 120))
        assert named(along(wave, 1.0)) == "walk_winding"
        there_and_back = 170 * np.sin(np.linspace(0, 2 * np.pi, 160))
        assert named(along(there_and_back, 1.0)) == "walk_around"

    def test_pace_makes_a_run_and_a_stand(self) -> None:
        assert named(along(np.zeros(60), 3.0)) == "run"
        assert named(along(np.zeros(60), 1.0), Action("run")) is None
        assert named(standing(60)) == "stand"

    def test_a_style_stays_and_a_variant_only_straight_ahead(self) -> None:
        base = replace(WALK, style="sad", variant="hunched")
        straight = locomotion(travel(along(np.zeros(60), 1.0)), base)
        assert straight == base
        sharp = 90 * np.clip((np.arange(80) - 30) / 12, 0, 1)
        turned = locomotion(travel(along(sharp, 1.0)), base)
        assert turned is not None
        assert (turned.style, turned.variant) == ("sad", None)


class TestSteps:
    @pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
    def test_are_counted(self, count: int) -> None:
        assert steps.count_steps(stepping(count)) == count

    def test_are_not_counted_from_the_middle_of_one(self) -> None:
        joints = stepping(4)
        assert steps.count_steps(joints[14:]) is None
        assert steps.count_steps(joints[:-18]) is None

    def test_flights_and_bends(self) -> None:
        assert len(steps.flights(hopping([20, 40, 60], 80))) == 3
        assert not steps.flights(stepping(4))
        assert steps.flights(hopping([3], 40)) == []  # cut in the air
        twice = sinking(120, 20, 40, 0.5)
        twice[60:] = sinking(60, 10, 30, 0.5)
        assert len(steps.bends(twice)) == 2

    def test_runs_bridge_short_gaps(self) -> None:
        flags = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool)
        assert steps.runs(flags) == [(1, 3), (4, 5), (8, 9)]
        assert steps.runs(flags, 1) == [(1, 5), (8, 9)]


class TestLimbs:
    def swung(self, side: str, frames: int = 40) -> np.ndarray:
        joints = standing(frames)
        way = 0.3 * np.sin(np.arange(frames))
        joints[:, JOINT[f"{side}_wrist"], 1] += way
        return joints

    def test_the_arm_that_moves_acts(self) -> None:
        assert limbs.acting_arm(self.swung("left")) == "left"
        assert limbs.acting_arm(self.swung("right")) == "right"
        both = self.swung("left")
        both[:, JOINT["right_wrist"]] = self.swung("right")[:, JOINT["right_wrist"]]
        assert limbs.acting_arm(both) == "both"
        assert limbs.acting_arm(standing(40)) is None

    def test_legs_and_heights(self) -> None:
        assert limbs.acting_leg(kicking(60, [20, 40], side="left")) == "left"
        lifted = standing(30)
        lifted[:, JOINT["right_ankle"], 1] += 0.3
        assert limbs.raised_leg(lifted) == "right"
        assert limbs.raised_leg(standing(30)) is None
        high, low = standing(30), standing(30)
        high[10, JOINT["left_wrist"], 1] = 1.7
        low[10, JOINT["left_wrist"], 1] = 0.1
        assert limbs.reach_height(high) == "high"
        assert limbs.reach_height(low) == "floor"
        assert limbs.reach_height(standing(30)) == "table"
        assert limbs.highest_arm(high) == "left"
        assert limbs.highest_arm(standing(30)) is None

    def test_hands_with_a_load_are_in_front(self) -> None:
        joints = standing(30)
        assert not limbs.holds_in_front(joints)
        for side in ("left", "right"):
            joints[:, JOINT[f"{side}_wrist"]] += np.array([0, 0.15, 0.35], np.float32)
        assert limbs.holds_in_front(joints)
        joints[:, JOINT["left_wrist"], 2] -= 0.35
        assert not limbs.holds_in_front(joints)


class TestWindows:
    def test_who_carries_nothing_walks(self) -> None:
        joints = along(np.zeros(150), 1.0)
        found = label("a", joints, [Segment(0, 150, Action("carry"))])
        assert {part.action.kind for part in found} == {"walk_forward"}
        for side in ("left", "right"):
            joints[:, JOINT[f"{side}_wrist"]] += np.array([0, 0.15, 0.35], np.float32)
        found = label("a", joints, [Segment(0, 150, Action("carry"))])
        assert {part.action.kind for part in found} == {"carry"}

    def test_a_turning_walk_is_cut_into_what_each_window_shows(self) -> None:
        angles = np.concatenate([np.zeros(100), np.linspace(0, 90, 14), np.full(100, 90.0)])
        joints = along(angles, 1.0)
        found = label("a", joints, [Segment(0, len(joints), WALK)])
        kinds = {part.action.kind for part in found}
        assert {"walk_forward", "turn_left"} <= kinds
        for part in found:
            inside = part.start < 100 and part.end > 114
            if part.action.kind == "walk_forward" and not part.whole:
                assert not inside
            if part.action.kind == "turn_left":
                assert part.end > 104
                assert part.start < 110
            if not part.then:
                assert part.pace == pytest.approx(1.0, abs=0.25)

    def test_setting_off_and_stopping_are_said(self) -> None:
        speed = np.repeat([0.0, 1.0, 0.0], [60, 80, 60])
        joints = along(np.zeros(200), speed)
        found = label("a", joints, [Segment(0, 200, WALK)])
        rows = {tuple(action.kind for action in part.actions) for part in found}
        assert {("stand", "walk_forward"), ("walk_forward", "stop"), ("stand",)} <= rows
        for part in found:
            if part.actions[0].kind == "stand" and part.then:
                assert part.start < 58 < 62 < part.end < 200

    def test_sitting_down_and_standing_up_are_parted(self) -> None:
        joints = sinking(220, 60, 140, 0.5)
        base = Segment(0, 220, Action("sit_down"), then=(Action("stand_up"),))
        found = label("a", joints, [base])
        by_kind = {tuple(a.kind for a in part.actions): part for part in found}
        assert set(by_kind) == {("sit_down",), ("sit",), ("stand_up",), ("sit_down", "stand_up")}
        down, up = by_kind[("sit_down",)], by_kind[("stand_up",)]
        assert down.start < 60 < 70 < down.end < 100
        assert up.start < 140 < 150 < up.end
        assert down.whole
        assert 68 <= by_kind[("sit",)].start < by_kind[("sit",)].end <= 145

    def test_jumps_are_counted_and_cut_between(self) -> None:
        joints = hopping([40, 60, 80, 100], 140)
        found = label("a", joints, [Segment(0, 140, Action("jump"))])
        assert {part.action.count for part in found} == {1, 2, 3, 4}
        for part in found:
            inside = sum(part.start <= top < part.end for top in (40, 60, 80, 100))
            assert inside == part.action.count

    def test_blows_name_their_side_and_number(self) -> None:
        joints = kicking(140, [40, 100], side="left")
        found = label("a", joints, [Segment(0, 140, Action("kick"))])
        assert {part.action.side for part in found} == {"left"}
        for part in found:
            inside = sum(part.start <= peak < part.end for peak in (40, 100))
            assert part.action.count == inside

    def test_what_was_said_to_the_frame_stays(self) -> None:
        said = Segment(10, 60, Action("kick", "left"), core=(20, 40))
        (part,) = label("a", kicking(80, [30]), [said])
        assert replace(part, pace=None, whole=False) == said

    def test_boxing_without_a_blow_is_a_stance(self) -> None:
        found = label("a", standing(200), [Segment(0, 200, Action("boxing"))])
        assert {part.action.kind for part in found} == {"fighting_stance"}

    def test_windows_depend_on_the_name_alone(self) -> None:
        joints = along(np.zeros(300), 1.0)
        base = [Segment(0, 300, WALK)]
        assert label("a", joints, base) == label("a", joints, base)
        assert label("a", joints, base) != label("b", joints, base)

    def test_cuts_cover_everything_and_stay_inside(self) -> None:
        found = list(cuts(500, np.random.default_rng(0)))
        assert all(0 <= a < b <= 500 and 40 <= b - a <= 160 for a, b in found)
        covered = np.zeros(500, bool)
        for a, b in found:
            covered[a:b] = True
        assert covered.all()
        assert list(cuts(30, np.random.default_rng(0))) == [(0, 30)]
