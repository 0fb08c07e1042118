"""Gestures of the head: yes, no, looking around."""

from backend.datasets.gestures.registry import gesture
from backend.datasets.gestures.script import Script


@gesture("nod", "none", counts=(1, 2, 3, 4), walking=True)
def nod(s: Script) -> None:
    """The head goes down and up again."""
    hertz = s.vary(1.5)
    s.nod.to(-0.1, 0.3)
    s.nod.stroke(s.vary(0.6), s.count, hertz, out=0.45)
    s.lean.wait(0.3)
    s.lean.stroke(0.05, s.count, hertz, out=0.5)
    s.finish(0.4)


@gesture("shake_head", "none", counts=(2, 3, 4), walking=True)
def shake_head(s: Script) -> None:
    """The head turns from side to side, bent forward a little."""
    hertz = s.vary(1.35)
    s.nod.to(s.vary(0.45, 0.1), 0.45)
    s.turn.wait(0.65)
    s.twist.wait(0.65)
    s.turn.swing(s.vary(0.85, 0.1), s.count, hertz)
    s.twist.swing(-0.07, s.count, hertz)
    s.finish(0.5)


@gesture("look_around", "none", variants=("behind", "up"), walking=True)
def look_around(s: Script) -> None:
    """Head and trunk turn to one side, stay, and turn to the other."""
    far = {None: 0.9, "behind": 1.25, "up": 0.6}[s.variant]
    back = {None: 0.7, "behind": 1.0, "up": 0.2}[s.variant]
    if s.variant == "up":
        s.nod.to(-0.5, 0.8)
    else:
        s.nod.to(0.3, 0.6)
    s.twist.wait(0.12)
    for way in (1.0, -1.0):
        s.turn.to(way * far, s.vary(0.75))
        s.twist.to(way * back, s.vary(0.8))
        pause = s.vary(0.7, 0.5)
        s.turn.wait(pause)
        s.twist.wait(pause)
        if s.variant == "behind":
            break
    s.finish(0.8)


@gesture("tilt_head", "none")
def tilt_head(s: Script) -> None:
    """The head leans to one shoulder, as somebody does who does not understand."""
    s.tilt.to(s.vary(0.5), 0.6)
    s.sway.wait(0.1)
    s.sway.to(0.06, 0.7)
    s.tilt.wait(s.vary(1.2, 0.4))
    s.finish(0.6)
