"""What a blind look found: rates of each method with Wilson intervals, and how judges agree."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from backend.evaluation.blind.look import Key, Score
from backend.evaluation.judges import Judge
from backend.evaluation.metrics import Share
from backend.motion.lengths import FPS
from shared.motion.kinematics import resample
from shared.motion.motion import Motion


def rate_lines(key: Key, scores: Sequence[Score]) -> Iterator[str]:
    """A Markdown table: suite, model and method, motions, clear, softened, and both together."""
    rows: dict[tuple[str, str, str], list[Score]] = defaultdict(list)
    for hidden, score in zip(key.motions, scores, strict=True):
        rows[hidden.suite, hidden.method, hidden.model].append(score)
        rows[hidden.suite, hidden.method, "all"].append(score)
    models = {hidden.model for hidden in key.motions}
    yield "| prompts | method | model | motions | clear | softened | clear or softened | untold |"
    yield "|---|---|---|--:|---|---|---|--:|"
    for (suite, method, model), found in sorted(rows.items()):
        if model == "all" and len(models) < 2:
            continue
        told = [score for score in found if score != "u"]
        cells = [
            Share(sum(score in letters for score in told), len(told)).sentence
            for letters in ("c", "s", "cs")
        ]
        untold = len(found) - len(told)
        yield f"| {suite} | {method} | {model} | {len(found)} | {' | '.join(cells)} | {untold} |"


def judge_lines(
    judges: Sequence[Judge], motions: Sequence[Motion], scores: Sequence[Score]
) -> Iterator[str]:
    """A Markdown table: how often judges see what the eye saw, strikes clear and softened."""
    told = [(motion, score) for motion, score in zip(motions, scores, strict=True) if score != "u"]
    struck = np.array([score in "cs" for _, score in told], dtype=bool)
    yield "| judge sees of what the eye calls | a strike | a clear one | none |"
    yield "|---|---|---|---|"
    clear = np.array([score == "c" for _, score in told], dtype=bool)
    for judge in judges:
        found = np.array(
            [
                judge(resample(motion.with_up("Y"), FPS).joints).at_least("softened")
                for motion, _ in told
            ],
            dtype=bool,
        )
        cells = [
            Share(int(found[part].sum()), int(part.sum())).sentence
            for part in (struck, clear, ~struck)
        ]
        yield f"| {judge.name} | {' | '.join(cells)} |"
