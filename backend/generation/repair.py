"""Strikes taken out of a motion, whoever made it: their frames are made anew, all others stay.

A frame that is kept is kept exactly. What is new is bent and eased until it begins and ends as what
lies round it; of several attempts the one counts in which the checks find least, and among equals
the one that had to be bent least and fits most smoothly.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from backend.generation.context import subprogress
from backend.generation.labels import repaired_entries
from backend.generation.token_sampler import ReportProgress, derived_seed
from backend.motion.blending import insert, measure_seam
from backend.motion.facing import facing
from backend.motion.lengths import FPS, MAX_FRAMES
from shared.motion.audit import Audit, FoundStrike
from shared.motion.motion import Motion
from shared.protocol.requests import EditMotion, RepairMotion, Settings
from shared.protocol.validation import MAX_SEED

Range = tuple[int, int]
# Makes the frames of an EditMotion anew, once for each take.
MakeEdits = Callable[[EditMotion, Motion, ReportProgress], Iterable[Motion]]
MakeAudit = Callable[[Motion], Audit]

# A strike begins before a check sees it and is over after: so many seconds more are made anew, and
# more of them where the rounds before were in vain.
_MARGINS: Final = (0.25, 0.5, 0.8, 1.2)
# Seconds. Ranges nearer to each other are one: a seam needs room, also before an end.
_APART: Final = 0.6
# Attempts a round, and a round of which each attempt takes several pieces.
_TAKES: Final = 4
_TAKES_OF_PIECES: Final = 2
# Seconds that are made anew at a time; the rest of the networks' window shows what lies round them.
_PIECE: Final = 6.0
# How often a trial does not do, for the display of progress.
_RARE: Final = 0.2
# Of requests; derived ones have 32 bits.
_SEEDS: Final = MAX_SEED - _TAKES
# Metres a second, from which a body is on its way somewhere.
_UNDER_WAY: Final = 0.25
_RESTS: Final = ("a person stands", "a person stands still with the arms at the sides")
_WAYS: Final = {
    "ahead": "a person walks forward",
    "back": "a person walks backward",
    "aside": "a person walks",
}


@dataclass(frozen=True)
class _Attempt:
    """A motion with one range made anew.

    Attributes:
        made: what the new frames come from, for their provenance.
        cost: strikes found and possible that touch the range, then how it fits.
    """

    motion: Motion
    made: Motion
    cost: tuple[float, float, float]

    @property
    def is_clean(self) -> bool:
        return self.cost[:2] == (0, 0)


@dataclass(frozen=True)
class Repair:
    """The repair of one motion; see `repair_motion`."""

    request: RepairMotion
    edit: MakeEdits
    audit: MakeAudit

    def run(self, motion: Motion, seed: int, progress: ReportProgress) -> Motion:
        """The motion with its strikes taken out, audited; what is left stands in its audit.

        Length, frame rate, up axis and every frame outside of the parts that its provenance names
        stay exactly as they are.
        """
        result = replace(motion.with_up("Y"), audit=None)
        for number, margin in enumerate(_MARGINS):
            left = self._wanted(result)
            if not left:
                break
            ranges = ranges_of(left, len(result), result.fps, margin)
            share = _likely_share(progress, number)
            for place, span in enumerate(ranges):
                part = subprogress(share, place / len(ranges), 1 / len(ranges))
                result = self._without(result, span, derived_seed(seed, 100 * number + place), part)
        kept = motion.joints if result.joints is motion.joints else result.with_up(motion.up).joints
        return replace(result, joints=kept, up=motion.up, seed=seed, audit=self.audit(result))

    def _wanted(self, motion: Motion) -> list[FoundStrike]:
        """The strikes that the request asks to be taken out."""
        asked = self.request.frames or ((0, len(motion)),)
        return [
            strike
            for strike in self.audit(motion).strikes
            if strike.certainty == "found" or not self.request.certain_only
            if any(start < strike.end and strike.start < end for start, end in asked)
        ]

    def _without(self, motion: Motion, span: Range, seed: int, progress: ReportProgress) -> Motion:
        """The motion with one range made anew in the best of a few ways."""
        prompts = [self.request.prompt] if self.request.prompt else prompts_for(motion, span)
        attempts: list[_Attempt] = []
        for number, prompt in enumerate(prompts):
            share = _likely_share(progress, number)
            ways = self._ways(motion, span, prompt, derived_seed(seed, number), share)
            attempts += [self._judged(motion, span, made) for made in ways]
            if any(attempt.is_clean for attempt in attempts):
                break
        best = min(attempts, key=lambda attempt: attempt.cost)
        first = _window(_pieces(span, motion.fps)[-1], motion, True)[0]
        told = repaired_entries(motion, span, best.made.provenance, first)
        return replace(best.motion, provenance=told)

    def _ways(
        self, motion: Motion, span: Range, prompt: str, seed: int, progress: ReportProgress
    ) -> Iterator[Motion]:
        """Motions, wherever they lead, in which the range is made anew."""
        pieces = _pieces(span, motion.fps)
        if len(pieces) == 1:
            yield from self._piece(motion, span, True, prompt, seed, _TAKES, progress)
            return
        for take in range(_TAKES_OF_PIECES):
            whole = motion
            for number, piece in enumerate(pieces):
                done = (take + number / len(pieces)) / _TAKES_OF_PIECES
                share = subprogress(progress, done, 1 / len(pieces) / _TAKES_OF_PIECES)
                own = derived_seed(seed, 100 * take + number)
                closed = number == len(pieces) - 1
                [whole] = self._piece(whole, piece, closed, prompt, own, 1, share)
            yield whole

    def _piece(
        self,
        motion: Motion,
        span: Range,
        closed: bool,
        prompt: str,
        seed: int,
        takes: int,
        progress: ReportProgress,
    ) -> Iterator[Motion]:
        """Motions with one piece made anew; one that is not closed leads to nothing behind it."""
        first, behind = _window(span, motion, closed)
        clip = replace(motion, joints=motion.joints[first:behind], contacts=None, provenance={})
        same = {
            name: getattr(self.request, name)
            for name in Settings.__struct_fields__
            if name not in ("takes", "seed", "audit_guard")
        }
        frames = ((span[0] - first, span[1] - first),)
        # Whether it strikes is judged here, of all attempts together.
        request = EditMotion(
            prompt=prompt,
            frames=frames,
            takes=takes,
            seed=seed % _SEEDS,
            audit_guard=False,
            **same,
        )
        for made in self.edit(request, clip, progress):
            joints = motion.joints.copy()
            joints[first:behind] = made.with_up("Y").joints
            yield replace(motion, joints=joints, provenance=made.provenance)

    def _judged(self, motion: Motion, span: Range, made: Motion) -> _Attempt:
        """The motion with the range from what was made, and how good that is."""
        start, end = span
        joints = insert(motion.joints, made.joints, start, end, motion.fps, holds=True)
        # Of contacts that were told nothing is known in new frames.
        whole = replace(motion, joints=joints, contacts=None)
        near = round(_APART * motion.fps)
        touching = [
            strike.certainty
            for strike in self.audit(whole).strikes
            if strike.start < end + near and start - near < strike.end
        ]
        seams = [measure_seam(joints, at) for at in (start, end) if 0 < at < len(joints)]
        worst = max((max(seam.jump_ratio, seam.change_ratio) for seam in seams), default=0.0)
        fit = worst + _sliding(joints, made.joints, span, motion.fps)
        certain = touching.count("found")
        cost = (certain, len(touching) - certain, fit)
        return _Attempt(whole, made, cost)


def ranges_of(
    strikes: Sequence[FoundStrike], length: int, fps: float, margin: float
) -> list[Range]:
    """Frames [start, end) that hold the strikes with a margin in seconds, apart from each other."""
    more, apart = round(margin * fps), round(_APART * fps)
    joined: list[Range] = []
    for start, end in sorted((strike.start - more, strike.end + more) for strike in strikes):
        start = 0 if start < apart else start
        end = length if length - end < apart else end
        if joined and start - joined[-1][1] < apart:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def prompts_for(motion: Motion, span: Range) -> list[str]:
    """What a body may harmlessly do in a range, so that it gets where it is behind it.

    Args:
        motion: Y up.
    """
    start, last = max(span[0] - 1, 0), min(span[1], len(motion) - 1)
    way = (motion.joints[last, 0] - motion.joints[start, 0])[[0, 2]]
    distance = float(np.linalg.norm(way))
    if distance < _UNDER_WAY * (last - start) / motion.fps:
        return list(_RESTS)
    ahead = float(way @ facing(motion.joints[start : start + 1])[0][[0, 2]]) / distance
    side = "ahead" if ahead > np.sqrt(0.5) else "back" if ahead < -np.sqrt(0.5) else "aside"
    return [_WAYS[side], _RESTS[0]]


def _likely_share(progress: ReportProgress, number: int) -> ReportProgress:
    """Progress of the next of some trials, of which mostly the first does."""
    left = _RARE**number
    return subprogress(progress, 1 - left, left * (1 - _RARE))


def _pieces(span: Range, fps: float) -> list[Range]:
    count = int(np.ceil((span[1] - span[0]) / (_PIECE * fps)))
    edges = np.linspace(*span, count + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _window(span: Range, motion: Motion, closed: bool) -> Range:
    """Frames of what the networks see: the range in its middle, or with nothing behind it."""
    longest = int((MAX_FRAMES - 1) * motion.fps / FPS) + 1
    if not closed:
        return max(0, span[1] - longest), span[1]
    start = (span[0] + span[1] - longest) // 2
    start = max(0, min(start, len(motion) - longest))
    return start, min(start + longest, len(motion))


def _sliding(joints: np.ndarray, made: np.ndarray, span: Range, fps: float) -> float:
    """Metres a second by which the pelvis moves otherwise on the floor than in what was made."""
    start, end = span
    speeds = [
        np.linalg.norm(np.diff(some[start:end, 0][:, [0, 2]], axis=0), axis=-1)
        for some in (joints, made)
    ]
    return float(np.abs(speeds[0] - speeds[1]).mean() * fps) if end - start > 1 else 0.0
