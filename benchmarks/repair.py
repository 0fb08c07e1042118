"""What `backend audit` finds in real motion, and what `backend repair` makes of it.

    python benchmarks/repair.py --data DATA [--clips 40] [--out repair.json]

Clips that people labelled as violent (strikes, fights) and clips that they labelled otherwise,
drawn at random with a fixed seed, evenly over their sources, those that nothing was fitted on
first, and cut to at most fifteen seconds. A seam's ratios compare it with the motion's own
movements: 1 is its own 99 %. All is repaired with the default settings; the hash names the weights.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from backend.datasets.sources import Clip, read_clips, sources
from backend.generation.generator import Generator
from backend.motion.blending import measure_seam
from backend.motion.lengths import FPS
from shared.motion.motion import Motion
from shared.protocol.messages import RepairMotion

SEED = 16
LONGEST = int(15 * FPS)
SHORTEST = int(2 * FPS)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the motion data")
    parser.add_argument("--sources", nargs="*", default=sources())
    parser.add_argument("--clips", type=int, default=40, help="violent, and as many harmless")
    parser.add_argument("--out", type=Path, help="JSON of every clip")
    options = parser.parse_args()
    clips = [
        clip
        for clip in read_clips(options.data, options.sources)
        if len(clip.joints) >= SHORTEST and clip.segments
    ]
    violent = [clip for clip in clips if any(_violent(clip))]
    harmless = [clip for clip in clips if not any(_violent(clip))]
    generator = Generator()
    rows = []
    for is_violent, group in ((True, violent), (False, harmless)):
        for number, clip in enumerate(drawn(group, options.clips)):
            row = measured(generator, cut(clip), number)
            rows.append(row | {"clip": clip.id, "split": clip.split, "violent": is_violent})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(f"weights {generator.load().hash}")
    print("\n".join(table(rows)))
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1))


def _violent(clip: Clip) -> list[bool]:
    return [action.violent for segment in clip.segments for action in segment.actions]


def drawn(clips: Sequence[Clip], count: int) -> Iterator[Clip]:
    """Clips of each source in turn, at random within it."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[clip.source].append(clip)
    for name, group in groups.items():
        random.Random(f"{SEED} {name}").shuffle(group)
        group.sort(key=lambda clip: clip.split != "train")
    given = 0
    while given < count and any(groups.values()):
        for group in groups.values():
            if group and given < count:
                given += 1
                yield group.pop()


def cut(clip: Clip) -> Motion:
    """The clip, or so much of it round its first violent span, else its middle."""
    spans = [s for s in clip.segments if any(a.violent for a in s.actions)] or [clip.segments[0]]
    middle = (spans[0].start + min(spans[0].end, spans[0].start + LONGEST)) // 2
    start = max(0, min(middle - LONGEST // 2, len(clip.joints) - LONGEST))
    return Motion(clip.joints[start : start + LONGEST], "Y", FPS)


def measured(generator: Generator, motion: Motion, seed: int) -> dict[str, Any]:
    """What was found before and after, and how the new frames fit."""
    before = generator.audit(motion)
    [made] = generator.generate(RepairMotion(seed=seed), motion=motion)
    assert made.audit is not None, "the generator has looked"
    ranges = made.provenance.get("repaired", [])
    kept = np.ones(len(motion), bool)
    for start, end in ranges:
        kept[start:end] = False
    seams = [
        measure_seam(made.joints, at) for span in ranges for at in span if 0 < at < len(motion)
    ]
    return {
        "frames": len(motion),
        "before": before.answer,
        "after": made.audit.answer,
        "kinds": sorted({strike.strike for strike in before.strikes}),
        "left": sorted({strike.strike for strike in made.audit.strikes}),
        "new": round(1 - float(kept.mean()), 3),
        "identical": bool(np.array_equal(made.joints[kept], motion.joints[kept])),
        "jump": max((float(seam.jump_ratio) for seam in seams), default=0.0),
        "change": max((float(seam.change_ratio) for seam in seams), default=0.0),
    }


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for the violent clips and one for the others."""
    yield "| clips | found | repaired to none | new frames | worst seam: jump, change | identical |"
    yield "|---|---|---|---|---|---|"
    for is_violent, name in ((True, "violent"), (False, "harmless")):
        group = [row for row in rows if row["violent"] == is_violent]
        found = [row for row in group if row["before"] != "none"]
        mended = [row for row in found if row["after"] == "none"]
        new = np.mean([row["new"] for row in found]) if found else 0.0
        worst = [_spread([row[key] for row in found]) for key in ("jump", "change") if found]
        yield (
            f"| {len(group)} {name} | {len(found)} | {len(mended)} of {len(found)} | {new:.0%} | "
            f"{', '.join(worst)} | {sum(row['identical'] for row in group)} of {len(group)} |"
        )


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f} (at most {max(values):.2f})"


if __name__ == "__main__":
    main()
