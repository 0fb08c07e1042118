"""From source clips to training material: one skeleton, mirrored and re-timed copies, features."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from tqdm import tqdm

from backend.datasets import glitches
from backend.datasets.actions import mirror_action
from backend.datasets.captions import mirror_caption
from backend.datasets.problems import Problem, ProblemTable
from backend.datasets.sources import Clip, Segment
from backend.motion import features as feat
from backend.motion.lengths import MIN_FRAMES
from shared.files import write_whole, written_whole
from shared.motion.skeleton import FEATURE_OFFSETS, MIRROR

TEMPI = (1.0, 0.87, 1.15)
FORMAT = 2


@dataclass(frozen=True)
class PreparedClip:
    """One variant of a clip on Placid's skeleton.

    Attributes:
        id: the clip's id; variants of a clip share it, and so share its split.
        variant: "plain", "mirrored@1.15" and so on.
        features: float32 (T, 263), not normalised.
        segments: what happens when, in frames of this variant.
    """

    id: str
    source: str
    split: str
    variant: str
    features: np.ndarray
    segments: tuple[Segment, ...]


def mirror_joints(joints: np.ndarray) -> np.ndarray:
    """Exchange left and right: negate x and swap the paired joints, (T, 22, 3) to (T, 22, 3)."""
    return joints[:, list(MIRROR)] * np.array([-1, 1, 1], dtype=joints.dtype)


def change_tempo(joints: np.ndarray, tempo: float) -> np.ndarray:
    """Play joints (T, 22, 3) `tempo` times as fast, by linear interpolation in time."""
    count = max(2, round((len(joints) - 1) / tempo) + 1)
    at = np.linspace(0, len(joints) - 1, count)
    before = np.minimum(at.astype(int), len(joints) - 2)
    share = (at - before)[:, None, None].astype(joints.dtype)
    return joints[before] * (1 - share) + joints[before + 1] * share


def _mirror_segment(segment: Segment) -> Segment:
    return replace(
        segment,
        action=mirror_action(segment.action),
        then=tuple(map(mirror_action, segment.then)),
        captions=tuple(mirror_caption(text) for text in segment.captions),
    )


def _retime_segment(segment: Segment, tempo: float, frames: int) -> Segment:
    def scaled(frame: int) -> int:
        return min(round(frame / tempo), frames)

    core = segment.core and (scaled(segment.core[0]), scaled(segment.core[1]))
    return replace(
        segment,
        start=scaled(segment.start),
        end=scaled(segment.end),
        core=core,
        pace=segment.pace and segment.pace * tempo,
    )


def prepare_clip(clip: Clip, mirrored: bool, tempo: float) -> PreparedClip:
    """One variant of a clip as features on Placid's skeleton."""
    joints, segments = clip.joints, clip.segments
    if mirrored:
        joints, segments = mirror_joints(joints), tuple(map(_mirror_segment, segments))
    if tempo != 1.0:
        joints = change_tempo(joints, tempo)
    rows = feat.motion_to_features(joints, FEATURE_OFFSETS)
    segments = tuple(_retime_segment(segment, tempo, len(rows)) for segment in segments)
    name = "mirrored" if mirrored else "plain"
    name += "" if tempo == 1.0 else f"@{tempo}"
    return PreparedClip(clip.id, clip.source, clip.split, name, rows, segments)


def prepare(
    clips: Iterable[Clip], progress: bool = True, problems: ProblemTable | None = None
) -> list[PreparedClip]:
    """All variants of training clips; held-out clips stay as they were recorded.

    Clips shorter than 24 frames, with a joint that is not a number or with bones of no length are
    left out; one in which a joint is suddenly elsewhere is cut there.

    Args:
        problems: takes up what was left out and why.
    """
    prepared = []
    whole = [part for clip in clips for part in _without_jumps(clip)]
    for clip in tqdm(whole, desc="features", unit="clip", disable=not progress):
        fault = _fault(clip.joints)
        variants = [(False, 1.0)]
        if clip.split == "train" and clip.varied:
            variants = [(mirrored, tempo) for mirrored in (False, True) for tempo in TEMPI]
        candidates = [] if fault else [prepare_clip(clip, *variant) for variant in variants]
        sound = [item for item in candidates if np.isfinite(item.features).all()]
        if len(sound) < len(candidates):
            fault = f"{len(candidates) - len(sound)} of its variants hold NaN or infinity"
        if fault and problems is not None:
            problems.add(Problem(clip.id, Path(clip.source), fault))
        prepared += sound
    return prepared


def sound_clips(clips: Iterable[Clip]) -> Iterator[Clip]:
    """The clips, mended and cut where a joint jumps, without those that nothing is learned from."""
    for clip in clips:
        for part in _without_jumps(clip):
            if not _fault(part.joints):
                yield part


def _fault(joints: np.ndarray) -> str:
    if len(joints) < MIN_FRAMES:
        return f"{len(joints)} frames, fewer than {MIN_FRAMES}"
    broken = np.flatnonzero(~np.isfinite(joints).all(axis=(1, 2)))
    if broken.size:
        return f"frame {broken[0]} holds a joint that is not a number"
    return ""


def _without_jumps(clip: Clip) -> Iterator[Clip]:
    """The mended clip, or its parts before, between and after frames where a joint jumps."""
    joints = glitches.mend(clip.joints)
    edges = [0, *(glitches.jumps(joints) + 1).tolist(), len(joints)]
    for number, (start, end) in enumerate(pairwise(edges)):
        name = clip.id if len(edges) == 2 else f"{clip.id}#{number}"
        segments = tuple(_inside(clip.segments, start, end))
        yield replace(clip, id=name, joints=joints[start:end], segments=segments)


def _inside(segments: Sequence[Segment], start: int, end: int) -> Iterator[Segment]:
    """What a part [start, end) of a clip shows of its segments, whole actions only as a whole."""
    for segment in segments:
        first, last = max(segment.start, start), min(segment.end, end)
        every = (segment.start, segment.end) if segment.then else (first, last)
        need = segment.core or every
        if last > first and start <= need[0] and need[1] <= end:
            core = segment.core and (segment.core[0] - start, segment.core[1] - start)
            yield replace(segment, start=first - start, end=last - start, core=core)


class _ClipRecord(msgspec.Struct):
    id: str
    source: str
    split: str
    variant: str
    frames: int
    segments: tuple[Segment, ...]


def save_prepared(clips: Sequence[PreparedClip], folder: Path) -> None:
    """Write `features.npy` (rows of all clips) and `clips.json` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / "features.npy") as file:
        np.save(file, np.concatenate([clip.features for clip in clips]))
    records = [
        _ClipRecord(c.id, c.source, c.split, c.variant, len(c.features), c.segments) for c in clips
    ]
    write_whole(folder / "clips.json", msgspec.json.encode(records))


def load_prepared(folder: Path) -> list[PreparedClip]:
    """Read what `save_prepared` wrote; the features, gigabytes, are read from disk where needed."""
    rows = np.load(folder / "features.npy", mmap_mode="r", allow_pickle=False)
    records = msgspec.json.decode((folder / "clips.json").read_bytes(), type=list[_ClipRecord])
    clips, start = [], 0
    for r in records:
        part = rows[start : start + r.frames]
        clips.append(PreparedClip(r.id, r.source, r.split, r.variant, part, r.segments))
        start += r.frames
    return clips


def fingerprint(clips: Sequence[PreparedClip]) -> str:
    """SHA-256 over ids, splits and features: names the training material in checkpoints."""
    digest = hashlib.sha256(f"format {FORMAT}".encode())
    for clip in clips:
        digest.update(f"{clip.id} {clip.variant} {clip.split} {len(clip.features)}".encode())
        digest.update(clip.features[:: max(1, len(clip.features) // 8)].tobytes())
    return digest.hexdigest()
