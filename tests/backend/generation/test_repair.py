"""Strikes taken out of motions: what is found, what is new, and that all else stays."""

from dataclasses import replace

import numpy as np
import pytest
from sample_motions import walking_motion
from strike_motions import kicking_motion

from backend.generation.generator import Generator
from backend.generation.repair import Repair, prompts_for, ranges_of
from backend.kinematic_checks.audit import audit_motion
from backend.motion.blending import measure_seam
from shared.errors import PlacidError
from shared.motion.audit import Audit, FoundStrike
from shared.motion.motion import Motion
from shared.motion.safety import UNKNOWN, parts_of
from shared.protocol.messages import AuditMotion, EditMotion, RepairMotion


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(engine="numpy")


def found(motion: Motion) -> list[str]:
    return [strike.strike for strike in audit_motion(motion).strikes]


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_a_kick_goes_and_every_other_frame_stays(generator: Generator, fps: float) -> None:
    rate = round(fps / 20)
    motion = kicking_motion(120 * rate, (60 * rate,), fps).with_up("Z")
    assert found(motion) == ["kick"]
    [made] = generator.generate(RepairMotion(), motion=motion)
    assert made.audit is not None
    assert made.audit.answer == "none"
    assert found(made) == []
    assert (made.up, made.fps, len(made)) == ("Z", fps, len(motion))
    [[start, end]] = made.provenance["repaired"]
    assert start < 60 * rate < end
    assert np.array_equal(made.joints[:start], motion.joints[:start])
    assert np.array_equal(made.joints[end:], motion.joints[end:])
    for seam in (start, end):
        # The rest of this motion stands still: no seam may be faster than the kick was.
        kick = np.linalg.norm(np.diff(motion.joints, axis=0), axis=-1).max()
        assert measure_seam(made.with_up("Y").joints, seam).jump < 0.5 * kick


def test_what_was_made_anew_is_told_part_by_part(generator: Generator) -> None:
    motion = kicking_motion()
    [made] = generator.generate(RepairMotion(), motion=motion)
    [[start, end]] = made.provenance["repaired"]
    parts = parts_of(made.provenance, len(made))
    assert [(part.start, part.end) for part in parts] == [(0, start), (start, end), (end, 120)]
    assert [part.label.safety == UNKNOWN for part in parts] == [True, False, True]
    assert made.provenance["safety"] == UNKNOWN  # of the whole nothing better is known
    assert all(
        change.startswith(f"frames {start} to {end - 1}: ") for change in made.provenance["changes"]
    )
    assert made.provenance["checkpoint"] == generator.load().hash


def test_without_a_strike_nothing_is_made(generator: Generator) -> None:
    motion = walking_motion(80)
    [made] = generator.generate(RepairMotion(), motion=motion)
    assert np.array_equal(made.joints, motion.joints)
    assert "repaired" not in made.provenance


def test_strikes_elsewhere_than_asked_stay(generator: Generator) -> None:
    motion = kicking_motion(160, (40, 120))
    assert found(motion) == ["kick", "kick"]
    [made] = generator.generate(RepairMotion(frames=((100, 140),)), motion=motion)
    assert found(made) == ["kick"]
    assert np.array_equal(made.joints[:90], motion.joints[:90])


def test_an_audit_is_the_motion_with_what_was_found(generator: Generator) -> None:
    motion = kicking_motion()
    [same] = generator.generate(AuditMotion(), motion=motion)
    assert np.array_equal(same.joints, motion.joints)
    assert same.audit == audit_motion(motion)


def test_what_cannot_be_repaired_stands_in_the_audit() -> None:
    """An editor that changes nothing, with checks that always find."""
    tried = []

    def edit(request: EditMotion, clip: Motion, progress) -> list[Motion]:
        tried.append(request)
        return [replace(clip, provenance={"safety": "lcr", "changes": []})] * request.takes

    audit = Audit((FoundStrike("kick", "left", 30, 40, 35),))
    made = Repair(RepairMotion(), edit, lambda _: audit).run(
        walking_motion(80), 0, lambda fraction, stage: None
    )
    assert made.audit == audit
    widths = [request.frames[0][1] - request.frames[0][0] for request in tried]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_a_long_bout_is_made_in_pieces_that_the_networks_can_see() -> None:
    windows = []

    def edit(request: EditMotion, clip: Motion, progress) -> list[Motion]:
        windows.append((len(clip), request.frames[0]))
        return [replace(clip, provenance={"safety": "lcr", "changes": []})] * request.takes

    strikes = [FoundStrike("boxing", None, 100, 500, 110)]
    answers = iter([Audit(tuple(strikes))])
    motion = walking_motion(600)
    made = Repair(RepairMotion(), edit, lambda _: next(answers, Audit())).run(
        motion, 0, lambda fraction, stage: None
    )
    assert all(length <= 196 for length, _ in windows)
    assert all(end - start <= 120 for _, (start, end) in windows)
    assert np.array_equal(made.joints[:90], motion.joints[:90])
    assert np.array_equal(made.joints[510:], motion.joints[510:])


def test_ranges_have_room_for_seams() -> None:
    def strikes(*spans: tuple[int, int]) -> list[FoundStrike]:
        return [FoundStrike("kick", None, start, end, start) for start, end in spans]

    assert ranges_of(strikes((20, 30), (60, 70)), 100, 20.0, 0.25) == [(15, 35), (55, 75)]
    assert ranges_of(strikes((20, 30), (35, 60)), 100, 20.0, 0.25) == [(15, 65)]
    assert ranges_of(strikes((10, 30), (75, 90)), 100, 20.0, 0.25) == [(0, 35), (70, 100)]


def test_who_is_on_the_way_goes_on() -> None:
    walk = walking_motion(80)
    assert prompts_for(walk, (20, 60))[0] == "a person walks forward"
    assert "stand" in prompts_for(kicking_motion(), (40, 80))[0]
    back = replace(walk, joints=np.ascontiguousarray(walk.joints[::-1]))
    assert prompts_for(back, (50, 78))[0] == "a person walks backward"


def test_a_repair_without_safety_is_refused(generator: Generator) -> None:
    with pytest.raises(PlacidError, match="safety"):
        generator.check(RepairMotion(safety="off"), motion=kicking_motion())
