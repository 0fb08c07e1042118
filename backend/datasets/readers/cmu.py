"""CMU Graphics Lab clips with their index descriptions, labelled spans and strike events."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.datasets.cmu_labels import SPAN_LABELS, actions_of
from backend.datasets.sources import Clip, Segment, Split, register_source

CMU_LICENCE: Final = (
    "free to use, also in products; do not resell the data; acknowledge mocap.cs.cmu.edu, created "
    "with funding from NSF EIA-0196217"
)
_HUMAN: Final = "kit_ml"
# People described these recordings as something that the label and the motion contradict.
_MISLEADING: Final = frozenset(
    {"02_09", "127_12", "127_16", "127_29", "127_31", "127_38", "135_03", "135_08", "135_10"}
)
# One of the two boxing clips, so that the strike checks have boxing that nothing was fitted to.
_HELD_OUT: Final[dict[str, Split]] = {"17_10": "test"}
# This subject's dances are single poses, reached slowly and held for seconds: to call them dancing
# would teach that a dancer stands still.
_POSING_SUBJECT: Final = "49_"
_POSE: Final = Action("balance", variant="pose")
_TURN: Final = 60.0
_UNFIT: Final = {"14_36": "the same frames as 14_31"}


@register_source("cmu", CMU_LICENCE, "A")
def read_cmu(root: Path) -> Iterator[Clip]:
    """Read `cmu/captions.jsonl` and the npz files it names below `root`."""
    folder = root / "cmu"
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / "captions.jsonl").read_bytes().splitlines():
        record = msgspec.json.decode(line)
        records[record["clip"]].append(record)
    for name, spans in sorted(records.items()):
        with np.load(folder / spans[0]["npz"], allow_pickle=False) as arrays:
            joints = arrays["joints22"].astype(np.float32)
        segments = tuple(_segments(name, joints, spans))
        split, subject = _HELD_OUT.get(name, "train"), f"cmu {name.partition('_')[0]}"
        unfit = _UNFIT.get(name, "")
        yield Clip(f"cmu_{name}", "cmu", joints, segments, split, subject, unfit=unfit)


def _segments(name: str, joints: np.ndarray, spans: list[dict[str, Any]]) -> Iterator[Segment]:
    whole = next(span for span in spans if span["kind"] == "full_clip")
    labelled = [span for span in spans if span["kind"] == "mocap6_segment"]
    if labelled:
        # The description only lists what the labelled spans place in time.
        yield from (_labelled(joints, span) for span in labelled)
        return
    action = _actions(name, whole)[0]
    if action.kind in ("kick", "punch"):
        events = _events(spans) or geometry.strikes(joints, action.kind)
        yield from geometry.strike_segments(len(joints), events, action, _captions(name, whole))
        return
    yield from _described(name, joints, whole)
    if action.kind == "boxing":
        yield from geometry.strike_segments(len(joints), _events(spans), Action("punch"))
    for span in spans:
        if span["kind"] == "humanml3d_row" and span["end"] - span["start"] < len(joints) - 8:
            yield from _row(name, joints, span)


def _actions(name: str, span: dict[str, Any]) -> tuple[Action, ...]:
    actions = actions_of(span["cmu_description"])
    posing = name.startswith(_POSING_SUBJECT) and actions[0].kind == "dance"
    return (_POSE,) if posing else actions


def _events(spans: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((span["peak"], span["side"]) for span in spans if span["kind"] == "strike_event")


def _labelled(joints: np.ndarray, span: dict[str, Any]) -> Segment:
    label = next(caption["label"] for caption in span["captions"] if "label" in caption)
    return Segment(span["start"], min(span["end"], len(joints)), SPAN_LABELS[label])


def _described(name: str, joints: np.ndarray, span: dict[str, Any]) -> Iterator[Segment]:
    first, *rest = _actions(name, span)
    angle = float(geometry.heading(joints)[-1])
    if first.kind == "walk_forward" and not rest and first.variant is None and abs(angle) > _TURN:
        first = Action("turn_left" if angle > 0 else "turn_right", speed=first.speed)
    first = geometry.with_speed(first, joints) if not rest else first
    core = None if rest else geometry.core(joints, first)
    segment = Segment(0, len(joints), first, _captions(name, span), tuple(rest), core)
    yield segment
    if first.kind in ("turn_left", "turn_right"):
        yield from geometry.straight_parts(joints, segment)


def _captions(name: str, span: dict[str, Any]) -> tuple[str, ...]:
    if name in _MISLEADING:
        return ()
    return tuple(
        caption["text"].strip().rstrip(".")
        for caption in span["captions"]
        if caption["origin"] == _HUMAN
    )


def _row(name: str, joints: np.ndarray, span: dict[str, Any]) -> Iterator[Segment]:
    """A published cut: the same action on a part of the clip, where any part shows it."""
    first, *rest = _actions(name, span)
    part = joints[span["start"] : span["end"]]
    if not rest and geometry.core(part, first) is None:
        yield Segment(span["start"], min(span["end"], len(joints)), first)
