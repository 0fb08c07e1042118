"""Gestures towards somebody: waving, saluting, calling, pointing, agreeing."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Point, Script, chest, head


@gesture(
    "wave", "either", counts=(2, 3, 4, 5), variants=("high", "low"), sustained=True, walking=True
)
def wave(s: Script) -> None:
    """The forearm swings about the elbow, beside the head, above it or low beside the body."""
    places = {
        None: chest(s.vary(0.36), 0.24 + s.shift(0.05), 0.2),
        "high": chest(0.24, 0.42 + s.shift(0.03), 0.1),
        "low": chest(0.38, 0.0 + s.shift(0.04), 0.24),
    }
    swing = (0.07, 0.0, 0.0) if s.variant == "low" else (0.11, 0.02, 0.0)
    seconds, hertz, phase = s.vary(0.8 if s.variant == "high" else 0.65), s.vary(1.9), s.shift(0.08)
    s.turn.to(0.12 + s.shift(0.1), 0.5)
    s.sway.to(0.05, 0.7)
    for arm in s.arms:
        arm.wait(0.08 + phase if arm is s.other else 0.1)
        arm.reach(places[s.variant], seconds, elbow=(0.7, -0.7, 0.1))
        arm.swing(swing, s.count, hertz)
    s.finish(0.7)


@gesture("salute", walking=True)
def salute(s: Script) -> None:
    """The hand's edge goes to the brow, elbow out at shoulder height, and comes down sharply."""
    s.lean.to(-0.05, 0.4)
    s.nod.to(-0.05, 0.4)
    s.arm.wait(0.05)
    s.arm.reach(
        head(0.2 + s.shift(0.015), -0.01 + s.shift(0.02), 0.11),
        s.vary(0.5),
        elbow=(0.9, -0.35, 0.1),
        arc=(0.12, 0.0, 0.06),
    )
    s.arm.wait(s.vary(1.1, 0.5))
    s.finish(0.45)


@gesture("beckon", counts=(2, 3, 4))
def beckon(s: Script) -> None:
    """The hand is held out and drawn back towards the chest again and again."""
    s.nod.wait(0.5)
    s.lean.to(0.06, 0.6)
    s.arm.reach(chest(0.16 + s.shift(0.04), -0.02 + s.shift(0.05), 0.43), s.vary(0.65))
    s.nod.stroke(-0.1, s.count, s.vary(1.4))
    s.arm.stroke((0.0, 0.09, -0.22), s.count, s.vary(1.4), out=0.45)
    s.finish()


@gesture("blow_kiss")
def blow_kiss(s: Script) -> None:
    """The fingers touch the lips, then the hand opens forward and the body goes with it."""
    s.nod.to(0.14, 0.5)
    s.arm.reach(head(0.05, -0.14, 0.17), s.vary(0.6), elbow=(0.55, -0.8, 0.2))
    s.arm.wait(s.vary(0.4))
    s.nod.wait(0.4)
    s.nod.to(-0.16, 0.5)
    s.lean.wait(1.0)
    s.lean.to(0.12, 0.5)
    s.arm.reach(chest(0.16 + s.shift(0.06), 0.1, 0.46), s.vary(0.55), arc=(0.0, 0.06, 0.0))
    s.arm.wait(s.vary(0.5))
    s.finish()


@gesture(
    "point", "one", variants=("forward", "side", "up", "down"), only_variants=True, walking=True
)
def point(s: Script) -> None:
    """A straight arm towards something, the head following it."""
    places = {
        "forward": chest(0.13 + s.shift(0.05), 0.03 + s.shift(0.05), 0.5),
        "side": chest(0.66, 0.03 + s.shift(0.06), 0.08),
        "up": chest(0.26 + s.shift(0.04), 0.46, 0.14),
        "down": chest(0.2, -0.3 + s.shift(0.04), 0.38),
    }
    if s.variant == "side":
        s.turn.to(0.75, 0.5)
        s.twist.to(0.15, 0.6)
    elif s.variant == "up":
        s.nod.to(-0.4, 0.55)
    elif s.variant == "down":
        s.nod.to(0.35, 0.5)
        s.lean.to(0.1, 0.6)
    s.arm.wait(0.12)
    seconds = s.vary(0.85 if s.variant == "up" else 0.6)
    s.arm.reach(places[s.variant or "forward"], seconds, elbow=(0.6, -0.8, 0.0))
    s.arm.wait(s.vary(1.1, 0.5))
    s.finish(0.7)


@gesture("thumbs_up", "either")
def thumbs_up(s: Script) -> None:
    """A fist pushed out at chest height with a short bounce and a nod."""
    s.nod.wait(0.6)
    s.nod.stroke(0.2, 2, 2.0)
    for arm in s.arms:
        arm.reach(
            chest(0.15 + s.shift(0.03), -0.12 + s.shift(0.04), 0.38),
            s.vary(0.5),
            elbow=(0.7, -0.8, 0.0),
        )
        arm.stroke((0.0, 0.045, 0.03), 2, 2.0)
        arm.wait(s.vary(0.5, 0.6))
    s.finish()


@gesture("stop_sign", "either")
def stop_sign(s: Script) -> None:
    """The palm pushed out straight ahead at shoulder height."""
    s.lean.to(-0.07, 0.5)
    for arm in s.arms:
        arm.reach(chest(0.17, 0.02, 0.22), 0.4, elbow=(0.7, -0.7, -0.2))
        arm.reach(chest(0.16, 0.07 + s.shift(0.03), 0.46), 0.32, elbow=(0.7, -0.7, 0.0))
        arm.wait(s.vary(1.1, 0.5))
    s.finish()


@gesture("hand_on_heart", walking=True)
def hand_on_heart(s: Script) -> None:
    """The palm laid flat on the chest, the head a little bowed."""
    s.nod.to(0.16, 0.8)
    s.arm.reach(chest(-0.02 + s.shift(0.02), -0.13, 0.17), s.vary(0.7), elbow=(0.8, -0.6, 0.2))
    s.arm.wait(s.vary(1.4, 0.5))
    s.finish(0.8)


@gesture("shake_hands", counts=(2, 3, 4))
def handshake(s: Script) -> None:
    """The hand is held out low, shakes up and down and lets go."""
    s.lean.to(0.09, 0.6)
    place = Point("chest", 0.1 + s.shift(0.03), -0.24 + s.shift(0.03), 0.4)
    s.arm.reach(place, s.vary(0.65), elbow=(0.4, -0.9, -0.2))
    s.arm.wait(0.2)
    s.arm.stroke((0.0, -0.085, 0.0), s.count, s.vary(2.0))
    s.arm.wait(0.15)
    s.nod.wait(0.7)
    s.nod.stroke(0.13, 1, 1.1)
    s.finish(0.6)
