"""Gestures with something in the hands that is not there: doors, pens, wheels, spoons."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Script, chest


@gesture("knock", counts=(2, 3, 4))
def knock(s: Script) -> None:
    """The knuckles strike a door at head height."""
    s.lean.to(0.06, 0.5)
    s.arm.reach(chest(0.14, 0.08 + s.shift(0.04), 0.3), s.vary(0.55), elbow=(0.6, -0.8, 0.0))
    s.arm.stroke((-0.01, -0.02, 0.11), s.count, s.vary(2.3), out=0.4)
    s.arm.wait(0.15)
    s.finish()


@gesture("open_door", variants=("pull", "push"), only_variants=True)
def open_door(s: Script) -> None:
    """The hand takes a handle, presses it down and pulls or pushes the door along its arc."""
    s.lean.to(0.1, 0.6)
    s.arm.reach(chest(0.12, -0.24, 0.42), s.vary(0.65), elbow=(0.6, -0.8, -0.1))
    s.arm.wait(0.12)
    s.arm.reach(chest(0.12, -0.29, 0.42), 0.35, elbow=(0.6, -0.8, -0.1), arc=(0, 0, 0))
    s.lean.wait(0.5)
    s.twist.wait(1.1)
    if s.variant == "push":
        s.arm.reach(chest(0.02, -0.22, 0.47), 0.6, elbow=(0.6, -0.8, 0), arc=(0, 0, 0.0))
        s.lean.to(0.2, 0.6)
        s.twist.to(-0.25, 0.6)
    else:
        s.arm.reach(chest(0.36, -0.26, 0.12), 0.8, elbow=(0.5, -0.6, -0.7), arc=(0.05, 0, 0.04))
        s.lean.to(-0.06, 0.7)
        s.twist.to(0.3, 0.8)
    s.arm.wait(0.25)
    s.finish(0.75)


@gesture("write", sustained=True)
def write(s: Script) -> None:
    """Small strokes of one hand along a line on a pad that the other one holds."""
    s.nod.to(0.42, 0.7)
    s.lean.to(0.07, 0.7)
    s.other.reach(chest(0.02, -0.2, 0.28), 0.7, elbow=(0.7, -0.7, -0.2))
    s.arm.reach(chest(-0.01, -0.16, 0.3), 0.8, elbow=(0.75, -0.6, -0.1))
    for _ in range(int(s.rng.integers(1, 3))):
        start = s.arm.clock
        s.arm.stroke((0.0, 0.018, 0.012), 6, s.vary(3.0))
        s.arm.clock = start
        s.arm.steps((0.085, 0.0, 0.0), [1.0, 0.0], [1.9, 0.45])
    s.finish()


@gesture("type", "both", sustained=True)
def type_keys(s: Script) -> None:
    """Both hands over a keyboard, striking in turn."""
    s.nod.to(0.28, 0.7)
    for arm in s.arms:
        arm.reach(chest(0.09, -0.25, 0.33), s.vary(0.7), elbow=(0.7, -0.7, -0.3))
        arm.wait(0.0 if arm is s.arm else 0.12)
        for _ in range(4):
            start = arm.clock
            strokes = int(s.rng.integers(2, 5))
            arm.stroke((0.0, -0.028, 0.01), strokes, s.vary(3.4))
            end, arm.clock = arm.clock, start
            arm.steps((0.06, 0.0, 0.0), [s.shift(1.0), 0.0], [0.4, 0.4])
            arm.clock = max(end, arm.clock)
    s.finish()


@gesture("stir", counts=(3, 4, 5), sustained=True)
def stir(s: Script) -> None:
    """One hand goes round in a pot that the other one holds."""
    s.nod.to(0.36, 0.7)
    s.lean.to(0.1, 0.7)
    s.other.reach(chest(0.13, -0.31, 0.31), 0.7, elbow=(0.7, -0.7, -0.2))
    s.arm.reach(chest(0.04, -0.2, 0.33), 0.75, elbow=(0.8, -0.5, -0.1))
    start, hertz = s.arm.clock, s.vary(1.0)
    slips = s.rng.bit_generator.state
    s.arm.swing((0.08, 0.0, 0.0), s.count, hertz)
    s.rng.bit_generator.state = slips
    s.arm.clock = start + 0.25 / hertz / s.tempo
    s.arm.swing((0.0, 0.0, 0.07), s.count, hertz)
    s.finish()


@gesture("drive", "both", sustained=True)
def drive(s: Script) -> None:
    """Both hands on a wheel, turning it to one side and to the other."""
    for arm in s.arms:
        arm.reach(chest(0.16, -0.13, 0.38), 0.7, elbow=(0.6, -0.8, -0.1))
        arm.wait(0.3)
    start = s.arm.clock
    slips = s.rng.bit_generator.state
    for arm, way in ((s.arm, -1.0), (s.other, 1.0)):
        s.rng.bit_generator.state = slips
        arm.swing((0.035, 0.15 * way, 0.0), 2, s.vary(0.5))
    s.turn.wait(1.0)
    s.sway.clock = start
    s.sway.swing(0.08, 2, 0.5)
    s.turn.swing(0.2, 2, 0.5)
    s.finish()


@gesture("juggle", "both", sustained=True)
def juggle(s: Script) -> None:
    """The hands throw in turn, each scooping inwards and up, with the eyes above."""
    s.nod.to(-0.2, 0.6)
    hertz, rounds = s.vary(1.5), int(s.rng.integers(4, 8))
    for arm in s.arms:
        arm.reach(chest(0.2, -0.24, 0.3), 0.6, elbow=(0.4, -0.9, -0.3))
        arm.wait(0.0 if arm is s.arm else 0.5 / hertz)
        start = arm.clock
        slips = s.rng.bit_generator.state
        arm.stroke((0.0, 0.16, 0.02), rounds, hertz, out=0.4)
        s.rng.bit_generator.state = slips
        arm.clock = start + 0.2 / hertz / s.tempo
        arm.stroke((-0.09, 0.0, 0.0), rounds, hertz)
    s.finish()
