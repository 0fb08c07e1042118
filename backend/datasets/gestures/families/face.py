"""Gestures of a hand at the head or face."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Point, Script, chest, head


@gesture("think", sustained=True, walking=True)
def think(s: Script) -> None:
    """A hand at the chin, the other arm across the belly below its elbow, the head tilted."""
    s.nod.to(0.16 + s.shift(0.06), 0.9)
    s.tilt.to(0.12 + s.shift(0.08), 0.9)
    s.arm.reach(head(0.02 + s.shift(0.015), -0.14, 0.15), s.vary(0.8), elbow=(0.25, -1.0, 0.25))
    if s.chance(0.65):
        s.other.wait(0.1)
        s.other.reach(chest(-0.07, -0.26, 0.2), s.vary(0.8), elbow=(0.7, -0.7, -0.1))
    s.arm.wait(0.4)
    s.arm.stroke((0.0, -0.022, 0.012), 2, s.vary(0.9))
    s.arm.wait(s.vary(0.8, 0.6))
    s.finish(0.8)


@gesture("phone", sustained=True, walking=True)
def phone(s: Script) -> None:
    """A telephone held at the ear, the head leaning to it, the other hand sometimes talking."""
    s.tilt.wait(0.3)
    s.tilt.to(0.16, 0.7)
    s.arm.reach(head(0.125, -0.075, 0.06), s.vary(0.95), elbow=(0.65, -0.9, 0.15))
    if s.chance(0.5):
        s.other.wait(1.2)
        s.other.reach(chest(0.16, -0.24, 0.3), 0.6)
        s.other.stroke((0.05, 0.07, 0.04), 2, s.vary(1.0))
        s.other.release(0.7)
    s.nod.wait(1.4)
    s.nod.stroke(0.12, 2, s.vary(1.3))
    s.arm.wait(s.vary(2.2, 0.5))
    s.finish(0.8)


@gesture("facepalm")
def facepalm(s: Script) -> None:
    """The head drops into the hand and shakes a little."""
    s.arm.reach(head(0.05, -0.04, 0.165), s.vary(0.5), elbow=(0.5, -0.85, 0.25))
    s.nod.wait(0.2)
    s.nod.to(0.5, 0.5)
    s.lean.wait(0.2)
    s.lean.to(0.1, 0.6)
    s.turn.wait(0.9)
    s.turn.swing(0.16, 2, 1.2)
    s.arm.wait(s.vary(1.4, 0.4))
    s.finish(0.75)


@gesture("hush")
def hush(s: Script) -> None:
    """A finger held upright before the lips, the head pushed forward a little."""
    s.lean.to(0.08, 0.6)
    s.nod.to(0.08, 0.6)
    s.arm.reach(head(0.02, -0.15, 0.175), s.vary(0.55), elbow=(0.35, -1.0, 0.15))
    s.arm.stroke((0.0, 0.0, 0.025), 1, 1.4)
    s.arm.wait(s.vary(0.8, 0.5))
    s.finish()


@gesture("cough", counts=(2, 3))
def cough(s: Script) -> None:
    """The bent arm comes before the mouth and the trunk jerks into it."""
    s.arm.reach(chest(-0.19, 0.03, 0.25), s.vary(0.8), elbow=(0.6, -0.1, 0.8), arc=(0.0, 0, 0.14))
    s.nod.to(0.35, 0.5)
    s.turn.to(0.3, 0.5)
    s.lean.to(0.14, 0.5)
    s.lean.stroke(0.17, s.count, 1.9, out=0.35)
    s.nod.stroke(0.2, s.count, 1.9, out=0.35)
    s.arm.wait(s.count / 1.9 + 0.2)
    s.finish()


@gesture("yawn", "both")
def yawn(s: Script) -> None:
    """Both arms stretch up and out while trunk and head go back, or a hand covers the mouth."""
    s.lean.to(0.06, 0.5)
    s.lean.to(-0.18, 1.0)
    s.nod.to(0.1, 0.5)
    s.nod.to(-0.3, 1.0)
    for arm in s.arms:
        arm.reach(chest(0.17, 0.1, 0.17), 0.7, elbow=(1.0, -0.1, -0.1))
        wide = 0.3 + s.shift(0.03)
        arm.reach(chest(wide, 0.42, -0.02), s.vary(0.9), elbow=(0.8, -0.3, -0.5), arc=(0.08, 0, 0))
        arm.wait(s.vary(0.7, 0.4))
        arm.reach(chest(0.5, 0.06, -0.06), 0.9, elbow=(0.2, -0.4, -0.9), arc=(0.06, 0, 0))
    s.sway.wait(1.4)
    s.sway.swing(0.06, 1, 0.8)
    s.finish(0.7)


@gesture("scratch_head", counts=(3, 4, 5))
def scratch_head(s: Script) -> None:
    """The fingers rub the back or the top of the head."""
    s.nod.to(0.2, 0.6)
    s.tilt.to(-0.1, 0.6)
    s.arm.reach(
        head(0.15, 0.03 + s.shift(0.02), -0.03),
        s.vary(0.85),
        elbow=(0.9, 0.1, 0.35),
        arc=(0.1, 0, 0.12),
    )
    s.arm.stroke((0.015, 0.05, -0.02), s.count, s.vary(2.4))
    s.arm.wait(0.2)
    s.finish(0.75)


@gesture("wipe_brow")
def wipe_brow(s: Script) -> None:
    """The back of the hand is drawn across the brow from the far side, then shaken off."""
    s.nod.to(0.12, 0.5)
    s.arm.reach(head(-0.05, 0.03, 0.17), s.vary(0.8), elbow=(0.8, -0.1, 0.45))
    s.arm.reach(head(0.18, 0.03, 0.12), s.vary(0.6), elbow=(1.0, -0.2, 0.2), arc=(0, 0, 0.03))
    s.arm.reach(chest(0.38, -0.14, 0.2), 0.35, elbow=(0.6, -0.7, -0.2), arc=(0, 0, 0))
    s.nod.wait(0.7)
    s.nod.to(-0.1, 0.5)
    s.lift.wait(1.0)
    s.lift.stroke(-0.1, 1, 0.9)
    s.finish(0.6)


@gesture("drink", counts=(1, 2), walking=True)
def drink(s: Script) -> None:
    """A cup is lifted to the mouth and emptied with the head going back."""
    up = head(0.05, -0.12, 0.19)
    s.arm.reach(chest(0.12, -0.22, 0.3), s.vary(0.7))
    s.nod.wait(0.75)
    for _ in range(s.count):
        s.arm.reach(up, s.vary(0.65), elbow=(0.5, -0.9, 0.1))
        s.nod.to(-0.25, 0.75)
        s.arm.reach(up.moved(up=0.03), 0.5, elbow=(0.55, -0.85, 0.15), arc=(0, 0, 0))
        s.arm.wait(0.7)
        s.nod.wait(1.0)
        s.arm.reach(chest(0.12, -0.2, 0.3), 0.65)
        s.nod.to(0.0, 0.6)
        s.arm.wait(0.15)
    s.finish(0.7)


@gesture("eat", counts=(2, 3), sustained=True)
def eat(s: Script) -> None:
    """One hand holds a bowl before the belly, the other goes from it to the mouth."""
    bowl = chest(0.02, -0.22, 0.29)
    s.other.reach(chest(0.06, -0.26, 0.27), 0.7, elbow=(0.6, -0.8, -0.2))
    s.nod.to(0.22, 0.7)
    s.arm.reach(bowl, 0.75)
    for _ in range(s.count):
        s.arm.stroke((0.0, -0.03, -0.02), 1, 2.2)
        s.arm.reach(head(0.03, -0.11, 0.18), s.vary(0.6), elbow=(0.6, -0.85, 0.2), arc=(0, 0, 0.03))
        s.arm.wait(0.2)
        s.arm.reach(bowl, s.vary(0.6), arc=(0, 0, 0.03))
    s.finish()


@gesture("cover_ears", "both")
def cover_ears(s: Script) -> None:
    """Both hands pressed on the ears, shoulders up, head down."""
    s.nod.to(0.3, 0.6)
    s.lean.to(0.12, 0.7)
    s.lift.to(0.2, 0.6)
    s.other_lift.to(0.2, 0.6)
    for arm in s.arms:
        arm.reach(head(0.14, -0.08, 0.05), s.vary(0.75), elbow=(0.6, -0.8, 0.55))
        arm.wait(1.6)
    s.turn.wait(0.9)
    s.turn.swing(0.14, 2, 1.3)
    s.finish(0.7)


@gesture("look_out", walking=True)
def look_out(s: Script) -> None:
    """A hand shades the eyes while the head searches from side to side."""
    s.lean.to(0.07, 0.6)
    s.arm.reach(head(0.16, 0.03, 0.15), s.vary(0.75), elbow=(0.95, -0.25, 0.15), arc=(0.1, 0, 0.1))
    s.turn.wait(0.7)
    s.twist.wait(0.7)
    s.turn.swing(0.5, 1, s.vary(0.36))
    s.twist.swing(0.2, 1, 0.36)
    s.arm.wait(2.4)
    s.finish(0.7)


@gesture("sneeze")
def sneeze(s: Script) -> None:
    """The head goes slowly back, then trunk and head are thrown into the hand at once."""
    face = Point("head", 0.02, -0.12, 0.17)
    s.lean.to(-0.12, 0.9)
    s.nod.to(-0.35, 0.9)
    s.arm.wait(0.6)
    s.arm.reach(face, s.vary(0.5), elbow=(0.6, -0.8, 0.25))
    for angle, size in ((s.lean, 0.32), (s.nod, 0.28)):
        angle.wait(0.12)
        angle.to(size, 0.42)
        angle.wait(0.3)
    s.arm.wait(0.75)
    s.finish(0.8)
