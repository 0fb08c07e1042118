"""Gestures of musicians without their instruments."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Script, chest


@gesture("conduct", "both", counts=(2, 3, 4), sustained=True)
def conduct(s: Script) -> None:
    """Both hands beat four to the bar: down, in, out, up."""
    hertz = s.vary(1.5)
    quarter = 1.0 / hertz
    for arm in s.arms:
        arm.reach(chest(0.22, 0.12, 0.32), 0.7, elbow=(0.8, -0.6, -0.1))
        start = arm.clock
        slips = s.rng.bit_generator.state
        arm.steps((0.0, 0.24, 0.03), [-1.0, -0.75, -0.75, 0.0] * s.count, [quarter] * (4 * s.count))
        s.rng.bit_generator.state = slips
        arm.clock = start
        arm.steps((0.13, 0.0, 0.0), [0.0, -1.0, 1.0, 0.0] * s.count, [quarter] * (4 * s.count))
    s.nod.wait(0.8)
    s.nod.stroke(0.16, s.count, hertz / 4.0, out=0.25)
    s.lean.wait(0.8)
    s.lean.stroke(0.07, s.count, hertz / 4.0, out=0.25)
    s.finish(0.8)


@gesture("guitar", sustained=True, walking=True)
def guitar(s: Script) -> None:
    """The acting hand strums before the belly; the other one changes along a neck at the side."""
    s.nod.to(0.25, 0.7)
    s.turn.to(-0.3, 0.8)
    s.sway.to(0.05, 0.7)
    s.other.reach(chest(0.36, -0.09, 0.28), 0.75, elbow=(0.4, -0.9, 0.0))
    s.arm.reach(chest(0.02, -0.27, 0.24), 0.75, elbow=(0.95, -0.2, -0.2))
    strums = int(s.rng.integers(6, 12))
    hertz = s.vary(2.3)
    s.arm.stroke((0.0, -0.13, 0.0), strums, hertz)
    for _ in range(3):
        s.other.steps((-0.08, -0.03, 0.0), [s.vary(0.7, 0.5), 0.0], [0.35, 0.6])
    s.nod.stroke(0.14, strums // 2, hertz / 2.0)
    s.finish(0.75)


@gesture("drums", "both", sustained=True)
def drums(s: Script) -> None:
    """The hands beat in turn before the belly, now and then to the side and higher."""
    s.nod.to(0.2, 0.6)
    hertz, rounds = s.vary(2.0), int(s.rng.integers(4, 8))
    for arm in s.arms:
        wide = 0.17 + s.shift(0.05)
        arm.reach(chest(wide, -0.12, 0.3), 0.6, elbow=(0.7, -0.7, -0.3))
        arm.wait(0.0 if arm is s.arm else 0.5 / hertz)
        start = arm.clock
        arm.stroke((0.0, -0.17, 0.05), rounds, hertz, out=0.4)
        end, arm.clock = arm.clock, start + 1.0 / hertz / s.tempo
        arm.steps((0.12, 0.08, 0.0), [1.0, 0.0], [0.4, 0.5])
        arm.clock = max(end, arm.clock)
    s.nod.stroke(0.16, rounds, hertz)
    s.finish()


@gesture("violin", counts=(3, 4, 5, 6), sustained=True)
def violin(s: Script) -> None:
    """The acting hand draws a bow to and fro; the other holds the neck, the chin is down on it."""
    s.turn.to(-0.4, 0.8)
    s.tilt.to(-0.25, 0.8)
    s.nod.to(0.2, 0.8)
    s.other.reach(chest(0.24, 0.06, 0.33), 0.8, elbow=(0.3, -1.0, 0.1))
    s.arm.reach(chest(-0.02, 0.0, 0.3), 0.8, elbow=(0.9, -0.2, 0.0))
    hertz = s.vary(0.9)
    s.arm.stroke((0.26, -0.13, 0.05), s.count, hertz)
    s.sway.wait(0.9)
    s.sway.swing(0.07, max(1, s.count // 2), hertz / 2.0)
    s.finish(0.8)


@gesture("piano", "both", sustained=True)
def piano(s: Script) -> None:
    """Both hands go along the keys and strike them, the trunk swaying."""
    s.nod.to(0.25, 0.7)
    for arm in s.arms:
        arm.reach(chest(0.2, -0.27, 0.35), 0.7, elbow=(0.7, -0.7, -0.3))
        arm.wait(0.0 if arm is s.arm else 0.2)
        for _ in range(2):
            start = arm.clock
            arm.stroke((0.0, -0.05, 0.02), int(s.rng.integers(3, 6)), s.vary(2.4), out=0.4)
            end, arm.clock = arm.clock, start
            arm.steps((0.13, 0.0, 0.0), [s.vary(0.7, 0.5), 0.0], [0.7, 0.8])
            arm.clock = max(end, arm.clock)
    s.sway.wait(0.8)
    s.sway.swing(0.08, 2, 0.45)
    s.finish()
