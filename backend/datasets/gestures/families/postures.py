"""Gestures of both arms about the body: held poses, clapping, shrugging, talking."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Script, chest, head, hips


@gesture("clap", "both", counts=(2, 3, 4, 5, 6), variants=("high",), sustained=True, walking=True)
def clap(s: Script) -> None:
    """The palms meet before the chest, or above the head."""
    high = s.variant == "high"
    apart = 0.12
    place = chest(0.05 + apart, 0.38, 0.16) if high else chest(0.05 + apart, -0.14, 0.33)
    place = place.moved(up=s.shift(0.03))
    hertz = s.vary(2.1)
    if high:
        s.nod.to(-0.12, 0.5)
    for arm in s.arms:
        arm.reach(place, 0.8 if high else 0.6, elbow=(0.8, -0.6, -0.1))
        slips = s.rng.bit_generator.state
        arm.stroke((-apart / s.size, 0.0, 0.0), s.count, hertz, out=0.45)
        s.rng.bit_generator.state = slips
    s.finish(0.65)


@gesture("pray", "both", sustained=True)
def pray(s: Script) -> None:
    """The palms together before the breast, the head bowed."""
    s.nod.wait(0.4)
    s.nod.to(0.45, 0.9)
    s.lean.wait(0.4)
    s.lean.to(0.08, 0.9)
    height = s.shift(0.03)
    for arm in s.arms:
        arm.reach(chest(0.045, -0.15 + height, 0.23), s.vary(0.85), elbow=(0.85, -0.6, -0.1))
        arm.wait(s.vary(2.0, 0.4))
    s.finish(0.85)


@gesture("cross_arms", "both", sustained=True, walking=True)
def cross_arms(s: Script) -> None:
    """One forearm over the other before the chest."""
    s.lean.to(-0.05, 0.8)
    s.arm.reach(chest(-0.1, -0.2, 0.17), s.vary(0.75), elbow=(0.8, -0.55, 0.1))
    s.other.wait(0.12)
    s.other.reach(chest(-0.09, -0.17, 0.22), s.vary(0.75), elbow=(0.8, -0.55, 0.1))
    s.arm.wait(s.vary(2.0, 0.5))
    s.finish(0.75)


@gesture("hands_on_hips", "both", sustained=True)
def hands_on_hips(s: Script) -> None:
    """The hands on the hips with the elbows out."""
    s.lean.to(-0.06, 0.8)
    height = s.shift(0.02)
    for arm in s.arms:
        arm.reach(
            hips(0.175, 0.075 + height, 0.03),
            s.vary(0.65),
            elbow=(1.0, 0.1, -0.35),
            arc=(0.12, 0, 0),
        )
        arm.wait(s.vary(2.0, 0.5))
    s.finish(0.7)


@gesture("shrug", "both", counts=(1, 2), walking=True)
def shrug(s: Script) -> None:
    """Shoulders up, forearms turned out, the head to one side."""
    s.tilt.to(0.16 + s.shift(0.08), 0.5)
    for lift in (s.lift, s.other_lift):
        lift.wait(0.12)
        lift.stroke(0.85, s.count, s.vary(0.8, 0.1))
    for arm in s.arms:
        arm.reach(chest(0.36 + s.shift(0.03), -0.25, 0.26), s.vary(0.5), elbow=(0.25, -0.9, -0.4))
        arm.stroke((0.05, 0.06, 0.0), s.count, s.vary(0.8, 0.1))
    s.finish(0.6)


@gesture("talk", "both", counts=(), sustained=True, walking=True)
def talk(s: Script) -> None:
    """The hands beat, open and weigh before the body while the head nods along."""
    for arm in s.arms:
        arm.wait(0.0 if arm is s.arm else s.vary(0.25, 0.8))
        arm.reach(chest(0.17, -0.24, 0.28), s.vary(0.55))
        for _ in range(int(s.rng.integers(3, 6))):
            spot = chest(0.2 + s.shift(0.1), -0.2 + s.shift(0.08), 0.3 + s.shift(0.06))
            arm.reach(spot, s.vary(0.45, 0.3), arc=(0.02, 0.02, 0.03))
            if s.chance(0.6):
                arm.stroke((0.02, -0.07, 0.03), int(s.rng.integers(1, 4)), s.vary(2.2))
            else:
                arm.wait(s.vary(0.3, 0.8))
    s.nod.wait(0.5)
    s.turn.wait(0.5)
    for _ in range(4):
        s.nod.stroke(s.vary(0.14, 0.5), 1, s.vary(1.2))
        s.turn.to(s.shift(0.3), s.vary(0.8))
    s.finish(0.7)


@gesture("surrender", "both", sustained=True)
def surrender(s: Script) -> None:
    """Both hands up beside the head with open palms."""
    s.lean.to(-0.08, 0.5)
    height = s.shift(0.05)
    for arm in s.arms:
        arm.reach(
            chest(0.33, 0.25 + height, 0.1),
            s.vary(0.55),
            elbow=(0.85, -0.7, -0.05),
            arc=(0.08, 0, 0.14),
        )
        arm.wait(s.vary(1.8, 0.5))
    s.finish(0.8)


@gesture("celebrate", "either", counts=(1, 2, 3))
def celebrate(s: Script) -> None:
    """Fists thrown up above the head and pumped."""
    s.lean.to(0.1, 0.35)
    s.lean.to(-0.14, 0.5)
    s.nod.wait(0.3)
    s.nod.to(-0.3, 0.5)
    for arm in s.arms:
        arm.reach(chest(0.22, -0.1, 0.22), 0.4, elbow=(0.6, -0.7, -0.4))
        arm.reach(chest(0.24, 0.41, 0.1), s.vary(0.45), elbow=(0.9, -0.3, 0.1), arc=(0.04, 0, 0.06))
        slips = s.rng.bit_generator.state
        arm.stroke((0.05, -0.16, 0.02), s.count, s.vary(1.6, 0.0), out=0.5)
        s.rng.bit_generator.state = slips
        arm.wait(0.25)
    s.finish(0.75)


@gesture("check_watch", walking=True)
def check_watch(s: Script) -> None:
    """The wrist comes up before the chest and the head bends to it."""
    s.arm.reach(chest(0.0, -0.1, 0.27), s.vary(0.6), elbow=(0.9, -0.4, 0.1))
    s.nod.wait(0.2)
    s.nod.to(0.5, 0.5)
    s.turn.wait(0.2)
    s.turn.to(0.12, 0.5)
    s.arm.wait(s.vary(1.1, 0.4))
    s.finish(0.65)


@gesture("rub_hands", "both", counts=(3, 4, 5, 6), sustained=True)
def rub_hands(s: Script) -> None:
    """The palms together, one hand going forward while the other goes back."""
    s.lift.to(0.14, 0.6)
    s.other_lift.to(0.14, 0.6)
    s.lean.to(0.08, 0.6)
    hertz = s.vary(2.0)
    for arm, way in ((s.arm, 1.0), (s.other, -1.0)):
        arm.reach(chest(0.045, -0.2, 0.27), 0.6, elbow=(0.8, -0.7, -0.1))
        slips = s.rng.bit_generator.state
        arm.swing((0.0, 0.02 * way, 0.06 * way), s.count, hertz)
        s.rng.bit_generator.state = slips
    s.finish()


@gesture("hands_behind_head", "both", sustained=True)
def hands_behind_head(s: Script) -> None:
    """The fingers folded behind the head, elbows wide."""
    s.lean.to(-0.1, 0.8)
    for arm in s.arms:
        arm.reach(chest(0.3, 0.06, 0.22), 0.5, elbow=(0.8, -0.5, 0.2))
        arm.reach(head(0.09, 0.0, -0.09), s.vary(0.6), elbow=(1.0, 0.0, 0.4), arc=(0.1, 0.06, 0.0))
        arm.wait(s.vary(1.8, 0.4))
        if not s.still:
            arm.reach(chest(0.3, 0.06, 0.22), 0.6, elbow=(0.8, -0.5, 0.2), arc=(0.1, 0.06, 0.0))
    s.finish(0.8)
