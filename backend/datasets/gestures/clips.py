"""Clips of written gestures on recorded bodies, labelled and split like the recordings."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from backend.datasets import phrases
from backend.datasets.actions import Action
from backend.datasets.gestures.bodies import Body
from backend.datasets.gestures.body import perform
from backend.datasets.gestures.registry import Gesture, gestures
from backend.datasets.gestures.script import Script
from backend.datasets.preparation import mirror_joints
from backend.datasets.sources import Clip, Segment
from backend.motion.lengths import FPS
from shared.motion.skeleton import JOINT, Side

SOURCE: Final = "gestures"
# How often they are met in training beside recordings of as many minutes.
WEIGHT: Final = 0.6
LONGEST: Final = 192
# Tempo by what the captions call it: the ranges are apart, so that the words come true.
_TEMPI: Final[dict[Literal["slow", "fast"] | None, tuple[float, float]]] = {
    "slow": (0.62, 0.75),
    None: (0.88, 1.15),
    "fast": (1.3, 1.45),
}
_TEMPO_SHARE: Final = (0.2, 0.6, 0.2)
_HELD: Final = 0.25  # how often a gesture that can go on is held to the end of the motion
_WALKS: Final = 0.25  # how often one that is also done while walking is
_TRIES: Final = 12
# Metres a frame: the 99.9th percentiles of recorded clips, seen from the pelvis.
_FASTEST: Final = {"wrist": 0.204, "elbow": 0.182}
_CAPTIONS: Final = 16


@dataclass(frozen=True)
class Take:
    """What one performance of a gesture is: everything but its fine chances."""

    gesture: Gesture
    side: Side | None
    variant: str | None
    count: int | None
    speed: Literal["slow", "fast"] | None
    tempo: float
    held: bool

    @property
    def action(self) -> Action:
        """The label of the take."""
        return Action(self.gesture.name, self.side, None, self.speed, self.variant, self.count)


def gesture_clips(bodies: Sequence[Body], takes: int, seed: int = 0) -> Iterator[Clip]:
    """Clips of every gesture on bodies drawn from those given; the same ones for the same seed.

    A clip keeps the split, the person and the take of the recording that its body is from.

    Args:
        bodies: standing and walking ones, as `bodies.find_bodies` finds them.
        takes: how many performances of each gesture.
    """
    for name, gesture in gestures().items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        for number in range(takes):
            clip = _clip(f"{SOURCE}_{name}_{number:04d}", gesture, bodies, number, rng)
            if clip is not None:
                yield clip


def write_script(take: Take, rng: np.random.Generator) -> Script:
    """The script of a take, written for the right arm as the acting one."""
    script = Script(
        rng,
        tempo=take.tempo,
        both=take.side == "both",
        count=take.count or 1,
        variant=take.variant,
        still=take.held,
        lead=float(rng.uniform(0.25, 0.7)),
    )
    take.gesture.author(script)
    return script


def put_on(joints: np.ndarray, take: Take, script: Script) -> np.ndarray:
    """The recorded joints (T, 22, 3) with a script performed on the side that its take names."""
    if take.side != "left":
        return perform(joints, script)
    return mirror_joints(perform(mirror_joints(joints), script))


def _draw(gesture: Gesture, number: int, rng: np.random.Generator) -> Take:
    sides: dict[str, tuple[Side | None, ...]] = {
        "one": ("left", "right"),
        "either": ("left", "right", "both"),
        "both": ("both",),
        "none": (None,),
    }
    # Sides and variants go in turn, so that few takes hold them all.
    sorts = (*(() if gesture.only_variants else (None,)), *gesture.variants)
    side = sides[gesture.hands][number % len(sides[gesture.hands])]
    variant = sorts[number // len(sides[gesture.hands]) % len(sorts)]
    speeds = tuple(_TEMPI)
    speed = speeds[rng.choice(len(speeds), p=_TEMPO_SHARE)]
    return Take(
        gesture,
        side,
        variant,
        int(rng.choice(gesture.counts)) if gesture.counts else None,
        speed,
        float(rng.uniform(*_TEMPI[speed])),
        gesture.sustained and bool(rng.random() < _HELD),
    )


def _clip(
    name: str, gesture: Gesture, bodies: Sequence[Body], number: int, rng: np.random.Generator
) -> Clip | None:
    """One performance, or None when no body is long enough for any that was drawn."""
    for _ in range(_TRIES):
        take = _draw(gesture, number, rng)
        walking = gesture.walking and bool(rng.random() < _WALKS)
        script = write_script(take, rng)
        start, end = (round(seconds * FPS) for seconds in script.active())
        tail = 0.0 if take.held else rng.uniform(0.35, 0.8)
        frames = end + 1 + round(tail * FPS)
        fitting = [b for b in bodies if b.walking == walking and b.end - b.start >= frames]
        if frames > LONGEST or not fitting:
            continue
        body = fitting[rng.integers(len(fitting))]
        first = int(rng.integers(body.start, body.end - frames + 1))
        joints = put_on(body.joints[first : first + frames], take, script)
        if _hurries(joints):
            continue
        segments = tuple(_segments(take, script, frames, (start, end), walking, rng))
        # Sides and tempi are drawn, and named in the captions: no copies with others are made.
        return replace(
            body.clip,
            id=name,
            source=SOURCE,
            joints=joints,
            segments=segments,
            varied=False,
        )
    return None


def _hurries(joints: np.ndarray) -> bool:
    """Whether an arm goes faster than recorded ones do, as where an elbow had to swing round."""
    seen = joints - joints[:, :1]
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=-1).max(0)
    return any(
        steps[JOINT[f"{side}_{part}"]] > most
        for part, most in _FASTEST.items()
        for side in ("left", "right")
    )


def _segments(
    take: Take,
    script: Script,
    frames: int,
    active: tuple[int, int],
    walking: bool,
    rng: np.random.Generator,
) -> Iterator[Segment]:
    captions = _while_walking(take, rng) if walking else ()
    core = (active[0], min(active[1] + 1, frames))
    yield Segment(0, frames, take.action, captions, core=core)
    if take.gesture.sustained and not walking:
        first, last = (round(seconds * FPS) for seconds in script.held())
        if last - first >= 24:
            yield Segment(first, min(last, frames), replace(take.action, count=None))


def _while_walking(take: Take, rng: np.random.Generator) -> tuple[str, ...]:
    """Captions of a gesture that is done while walking, all different."""
    action = take.action
    templates = [t for t in phrases.templates(action) if t.startswith("*") and " and *" not in t]
    found: dict[str, None] = {}
    for _ in range(20 * _CAPTIONS):
        template = str(rng.choice(templates))
        if not template.startswith(("*stand", "*pose", "*lean")):
            text = phrases.fill(template, action, int(rng.integers(6)))
            found[_walking_sentence(text, rng)] = None
        if len(found) == _CAPTIONS:
            break
    return tuple(found)


def _walking_sentence(text: str, rng: np.random.Generator) -> str:
    third, gerund = (phrases.inflect(text, form) for form in ("third", "gerund"))
    base = phrases.inflect(text, "base")
    sentences = (
        f"a person walks while {gerund}",
        f"a person walks forward while {gerund}",
        f"someone {third} while walking",
        f"a man is walking and {gerund}",
        f"a woman {third} as she walks",
        f"walk and {base}",
        f"walking while {gerund}",
        f"while walking, a person {third}",
    )
    sentence = str(rng.choice(sentences))
    their = "her" if "woman" in sentence else "his" if "a man" in sentence else "their"
    return sentence.replace("their", their)
