"""Set the thresholds of the kinematic checks on training motions, measure them on held-out ones.

python -m backend.reports.calibrate_checks DATA --thresholds FILE --table FILE
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from tqdm import tqdm

from backend.datasets.sources import commercial_sources, read_clips
from backend.kinematic_checks.detect import STRIKE_KINDS
from backend.kinematic_checks.registry import CHECKS
from backend.kinematic_checks.thresholds import Thresholds, shipped_thresholds, thresholds_toml
from backend.reports.labelled_windows import Window, labelled_windows
from backend.reports.stroke_scores import fit_scores, tier_lines
from backend.training.judge_windows import folds, judge_windows
from shared.files import write_whole

# Values tried for each threshold; the search starts from the middle ones.
_WALK: Final = {
    "speed": (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5),
    "distance": (0.3, 0.5, 0.7, 0.9, 1.2),
}
_TURN: Final = {"angle": (25, 30, 35, 40, 45, 50, 55, 60), "seconds": (2, 2.5, 3, 4)}
GRID: Final[dict[str, dict[str, tuple[float, ...]]]] = {
    "run": {
        "speed": (1.6, 1.8, 1.9, 2.0, 2.2, 2.4),
        "jog_speed": (1.0, 1.1, 1.2, 1.3, 1.4, 1.6),
        "flight": (0.02, 0.03, 0.04, 0.05, 0.06),
        "seconds": (0.4, 0.5, 0.7),
    },
    "walk_forward": _WALK,
    "walk_backward": _WALK,
    "turn_left": _TURN,
    "turn_right": _TURN,
    "jump": {
        "flight": (0.06, 0.08, 0.1, 0.12, 0.15),
        "rise": (0.1, 0.15, 0.2, 0.25, 0.3),
        "seconds": (0.6, 0.8, 1.0, 1.2),
    },
    "wave": {
        "height": (-0.8, -0.6, -0.4, -0.2, 0.0, 0.1),
        "sway": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
        "swings": (2, 3, 4, 5),
        "seconds": (0.4, 0.5, 0.6, 0.8, 1.0),
    },
    "raise_hand": {
        "height": (-0.25, -0.2, -0.15, -0.1, -0.05, 0.0, 0.1, 0.2),
        "seconds": (0.2, 0.3, 0.4, 0.5, 0.7),
        "drift": (0.2, 0.3, 0.4, 0.6),
    },
    "bow": {
        "lean": (15, 18, 20, 22, 25, 28, 32),
        "deepest": (65, 70, 75, 80, 85, 90),
        "drop": (0.06, 0.08, 0.1, 0.12, 0.15, 0.2),
        "travel": (0.1, 0.15, 0.2, 0.3, 0.4),
    },
    "dance": {
        "spread": (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2),
        "sweep": (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
        "lift": (20, 25, 28, 30, 32, 34, 36, 40),
        "seconds": (1.0, 1.5, 2.0, 3.0, 4.0),
    },
    "kick": {
        "speed": (2.5, 3, 3.5, 4, 4.5, 5),
        "lift": (60, 65, 70, 75, 80, 85, 90),
        "extension": (0.75, 0.8, 0.85, 0.9, 0.93),
        "seconds": (0.2, 0.3, 0.4, 0.5),
        "upright": (-0.2, 0.0, 0.2, 0.4, 0.6),
    },
    "punch": {
        "thrust": (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
        "speed": (1.5, 2.0, 2.5, 3.0, 3.5),
        "extension": (0.7, 0.75, 0.8, 0.85, 0.9),
        "gain": (0.15, 0.2, 0.25, 0.3, 0.35, 0.4),
        "steepest": (0.4, 0.5, 0.6, 0.7, 0.8),
        "forward": (0.0, 0.3, 0.5, 0.6, 0.7),
    },
    "boxing": {
        "blows": (2, 3, 4),
        "seconds": (1.0, 1.5, 2.0, 3.0, 4.0),
        "speed": (1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
        "gain": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35),
        "level": (0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    },
    "swing": {
        "rate": (200, 300, 350, 400, 450, 500, 600),
        "arc": (50, 70, 90, 110, 130),
        "speed": (1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
        "extension": (0.5, 0.6, 0.7, 0.8),
        "fall": (0.3, 0.5, 0.7, 0.9),
    },
}
# Motions without the action count this many times those with it, as in a mixed set of prompts. More
# would make the checks miss a fifth of the real actions to spare a hundredth of the others.
_NEGATIVE_WEIGHT: Final = 4.0
_SWEEPS: Final = 3
_STROKES: Final = "strokes"
FOLDS: Final = 4


@dataclass(frozen=True)
class Score:
    """Counts of one check over windows whose label is known."""

    hits: int
    misses: int
    false_alarms: int
    rejections: int
    alarms_by_kind: dict[str, int]

    @property
    def recall(self) -> float:
        """Share of windows with the action that are found."""
        return self.hits / max(1, self.hits + self.misses)

    @property
    def precision(self) -> float:
        """Share of found windows that have the action, on this mix of classes."""
        return self.hits / max(1, self.hits + self.false_alarms)

    @property
    def false_alarm_rate(self) -> float:
        """Share of windows without the action that are found all the same."""
        return self.false_alarms / max(1, self.false_alarms + self.rejections)

    @property
    def balanced_f1(self) -> float:
        """F1 when windows without the action are `_NEGATIVE_WEIGHT` times as many."""
        found = self.recall + _NEGATIVE_WEIGHT * self.false_alarm_rate
        return 2 * self.recall / (1 + found)


def measure(check: str, windows: Sequence[Window], thresholds: Thresholds) -> Score:
    """Count what a check finds in the windows whose labels say."""
    find, counts, alarms = CHECKS[check].find, Counter[tuple[bool, bool]](), Counter[str]()
    for window in windows:
        expected = window.shows(check)
        if expected is None:
            continue
        found = bool(find(window.body, thresholds))
        counts[expected, found] += 1
        if found and not expected:
            alarms[window.actions[0].kind] += 1
    return Score(
        counts[True, True],
        counts[True, False],
        counts[False, True],
        counts[False, False],
        dict(alarms.most_common()),
    )


def fit(
    windows: Sequence[Window],
    thresholds: Thresholds,
    checks: Sequence[str] = tuple(GRID),
    progress: bool = True,
) -> Thresholds:
    """Search the grid one threshold at a time for the best balanced F1 on training windows.

    Args:
        thresholds: of the checks that are not fitted.
    """
    for check in tqdm(checks, desc="fitting", disable=not progress):
        grid = GRID[check]
        middle = {name: values[len(values) // 2] for name, values in grid.items()}
        section = msgspec.structs.replace(getattr(thresholds, check), **middle)
        thresholds = msgspec.structs.replace(thresholds, **{check: section})
        known = [window for window in windows if window.shows(check) is not None]
        for _ in range(_SWEEPS):
            before = thresholds
            for name, values in grid.items():
                thresholds = _best(check, name, values, known, thresholds)
            if thresholds == before:
                break
    return thresholds


def _best(
    check: str,
    name: str,
    values: Iterable[float],
    windows: Sequence[Window],
    thresholds: Thresholds,
) -> Thresholds:
    """The middle one of the values that do best."""
    tried = []
    for value in values:
        section = msgspec.structs.replace(getattr(thresholds, check), **{name: value})
        candidate = msgspec.structs.replace(thresholds, **{check: section})
        tried.append((measure(check, windows, candidate).balanced_f1, candidate))
    top = max(score for score, _ in tried)
    best = [candidate for score, candidate in tried if score > top - 1e-9]
    return best[(len(best) - 1) // 2]


def table(windows: Sequence[Window], thresholds: Thresholds) -> str:
    """Precision and recall of every check on training and on held-out windows, as Markdown."""
    parts = {
        "train": [window for window in windows if window.split == "train"],
        "val": [window for window in windows if window.split == "val"],
        "test": [window for window in windows if window.split == "test"],
    }
    lines = [
        "| check | split | with | found | precision | recall | false alarms | raised by |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for check in GRID:
        for split, members in parts.items():
            score = measure(check, members, thresholds)
            causes = ", ".join(f"{k} {n}" for k, n in list(score.alarms_by_kind.items())[:5])
            shown, others = score.hits + score.misses, score.false_alarms + score.rejections
            lines.append(
                f"| {check} | {split} | {shown} | {score.hits + score.false_alarms} | "
                f"{score.precision:.2f} | {score.recall:.2f} | "
                f"{score.false_alarms}/{others} | {causes} |"
            )
    lines += ["", *_strike_lines(parts, thresholds)]
    return "\n".join(lines) + "\n"


def _strike_lines(parts: dict[str, list[Window]], thresholds: Thresholds) -> Iterable[str]:
    yield "| strikes counted | split | violent windows found | other windows found |"
    yield "|---|---|--:|--:|"
    for kinds in (("kick", "punch"), STRIKE_KINDS):
        for split, members in parts.items():
            counts: Counter[tuple[bool, bool]] = Counter()
            for window in members:
                violent = any(action.violent for action in window.actions)
                struck = any(CHECKS[kind].find(window.body, thresholds) for kind in kinds)
                counts[violent, struck] += 1
            rows = (
                f"{counts[v, True]}/{counts[v, True] + counts[v, False]}" for v in (True, False)
            )
            yield f"| {' or '.join(kinds)} | {split} | {' | '.join(rows)} |"


def main(
    data: Annotated[Path, typer.Argument(help="Folder with the motion sources.")],
    thresholds: Annotated[Path, typer.Option(help="Threshold file to write.")],
    report: Annotated[Path | None, typer.Option("--table", help="Markdown table to write.")] = None,
    sources: Annotated[
        str, typer.Option(help="Comma-separated; all that allow commercial use if left out.")
    ] = "",
    checks: Annotated[
        str,
        typer.Option(
            help="Comma-separated; those to fit, the others stay as shipped. `strokes` are the "
            "scores of softened strikes."
        ),
    ] = "",
) -> None:
    """Fit the kinematic checks, and measure them on clips and people they were not fitted to."""
    names = tuple(sources.split(",")) if sources else commercial_sources()
    asked = set(checks.split(",")) if checks else {*GRID, _STROKES}
    unknown = asked - {*GRID, _STROKES}
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: known are {', '.join(GRID)}")
    fitted, lines = shipped_thresholds(), list[str]()
    if asked & GRID.keys():
        windows = labelled_windows(read_clips(data, names))
        training = [window for window in windows if window.split == "train"]
        fitted = fit(training, fitted, tuple(name for name in GRID if name in asked))
        lines += table(windows, fitted).splitlines()
    if _STROKES in asked:
        labelled = judge_windows(data, names)
        fold = folds(labelled, FOLDS)
        scores, blind = fit_scores(labelled, fold)
        lines += ["", *tier_lines(labelled, fold, blind, fitted)]
        fitted = msgspec.structs.replace(fitted, **scores)
    comment = "Set on real motion by `python -m backend.reports.calibrate_checks`; metres, "
    write_whole(thresholds, thresholds_toml(fitted, [comment + "seconds and degrees."]).encode())
    text = "\n".join(lines) + "\n"
    if report:
        write_whole(report, text.encode())
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
