"""The scores of strokes, fitted to labelled real motion and measured on people not fitted to.

A window is a bag of strokes: of a window with a strike the stroke that scores highest counts as
one, of a peaceful window every stroke is none. Scores are sums (`softened.stroke_scores`), fitted
by logistic regression with the kinds of action and the people weighing about the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from scipy.optimize import minimize

from backend.evaluation.metrics import Share
from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.detect import strikes
from backend.kinematic_checks.softened import describe, spread, stroke_scores
from backend.kinematic_checks.strokes import Limb, Stroke, strokes
from backend.kinematic_checks.thresholds import StrokeScore, Thresholds
from backend.training.judge_windows import JudgeWindow, soften

# Of each check the limb, and the kinds of action that are its strikes.
SCORES: Final[dict[str, tuple[Limb, frozenset[str]]]] = {
    "soft_kick": ("foot", frozenset({"kick"})),
    "soft_blow": ("hand", frozenset({"punch", "boxing", "slap"})),
    "soft_slash": ("hand", frozenset({"sword"})),
}
# Copies of strikes that are fitted to as well: share of the way of each joint, and tempo.
SOFTENED: Final = ((0.85, 0.85), (0.7, 0.75))
# Peaceful kinds that come nearest count this many times, so that they are not called strikes.
_NEAR: Final = frozenset(
    {"tennis", "table_tennis", "basketball", "throw", "clap", "wave", "hammer", "spin", "jump"}
    | {"cartwheel", "flip", "handspring", "fall", "get_up", "leg_raise", "drums", "high_five"}
    | {"knee_raise", "climb", "hand_over", "hands_behind_head", "twist"}
)
_NEAR_WEIGHT: Final = 3.0
_DANCE_WEIGHT: Final = 10.0  # the largest of them, and what people ask for
_ROUNDS: Final = 4
_STIFFNESS: Final = 3.0  # of the ridge penalty
# Share of the peaceful windows that may exceed a limit, every kind of action counting the same. Of
# slashes few are found at any price.
ALARMS: Final = {"soft_kick": 0.02, "soft_blow": 0.015, "soft_slash": 0.005}


@dataclass(frozen=True, eq=False)
class Bag:
    """The strokes of one limb in a window, as recorded or softened.

    Attributes:
        answer: whether one of them is a strike; None where the label does not say.
        copy: 0 as recorded, then the copies of `SOFTENED`.
    """

    window: JudgeWindow
    found: tuple[Stroke, ...]
    answer: bool | None
    copy: int


def bags(windows: Sequence[JudgeWindow], name: str) -> list[Bag]:
    """The bags of all windows for a check, with softened copies of those that strike."""
    limb, kinds = SCORES[name]
    made = []
    for window in windows:
        is_own = window.is_strike and window.kind in kinds
        answer = True if is_own else (False if window.is_strike is False else None)
        for number, joints in enumerate(copies(window)):
            found = strokes(BodySignals(joints), limb)
            made.append(Bag(window, found, answer, number))
    return made


def copies(window: JudgeWindow) -> list[np.ndarray]:
    """The joints as recorded and, of a strike, softened."""
    if not window.is_strike:
        return [window.joints]
    return [window.joints, *(soften(window.joints, *how) for how in SOFTENED)]


def fit_score(made: Sequence[Bag]) -> StrokeScore:
    """The score of the strokes of these bags; its limits are still to be set."""
    names = tuple(sorted(next(bag.found[0].values for bag in made if bag.found)))
    known = [bag for bag in made if bag.answer is not None and bag.found]
    values = [describe(bag.found, names) for bag in known]
    every = np.concatenate(values)
    mean, scale = every.mean(axis=0), every.std(axis=0) + 1e-6
    rows = [spread(part, mean, scale) for part in values]
    scores = [part[:, names.index("speed")] for part in values]
    kinds = Counter(bag.window.kind for bag in known if bag.answer is False)
    people = Counter(bag.window.person for bag in known if bag.answer)
    others, others_weights = [], []
    for bag, part in zip(known, rows, strict=True):
        if bag.answer is False:
            others.append(part)
            near = _NEAR_WEIGHT if bag.window.kind in _NEAR else 1.0
            near = _DANCE_WEIGHT if bag.window.kind == "dance" else near
            weight = near / np.sqrt(kinds[bag.window.kind] * len(part))
            others_weights.append(np.full(len(part), weight))
    chosen_weights = np.array([people[b.window.person] ** -0.5 for b in known if b.answer])
    weights = np.concatenate([chosen_weights / chosen_weights.mean(), *others_weights])
    strikes = len(chosen_weights)
    weights[strikes:] *= 2 * strikes / weights[strikes:].sum()
    solution = np.zeros(3 * len(names) + 1)
    for _ in range(_ROUNDS):
        best = [
            part[int(score.argmax())]
            for bag, part, score in zip(known, rows, scores, strict=True)
            if bag.answer
        ]
        solution = _regress(np.concatenate([np.array(best), *others]), strikes, weights)
        scores = [part @ solution[:-1] + solution[-1] for part in rows]
    linear = solution[:-1].reshape(3, len(names))
    terms = {
        name: (float(mean[i]), float(scale[i]), *map(float, linear[:, i]))
        for i, name in enumerate(names)
    }
    return StrokeScore(0.0, float(solution[-1]), terms)  # type: ignore[arg-type]


def _regress(rows: np.ndarray, positive: int, weights: np.ndarray) -> np.ndarray:
    """Coefficients and constant of a logistic regression of which the first rows are positive."""
    sign = np.where(np.arange(len(rows)) < positive, 1.0, -1.0)

    def loss(solution: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (rows @ solution[:-1] + solution[-1])
        pull = -sign * weights / (1.0 + np.exp(margin))
        slope = rows.T @ pull + 2 * _STIFFNESS * solution[:-1]
        value = (weights * np.logaddexp(0.0, -margin)).sum()
        penalty = _STIFFNESS * (solution[:-1] ** 2).sum()
        return float(value + penalty), np.append(slope, pull.sum())

    start = np.zeros(rows.shape[1] + 1)
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x


def bag_scores(made: Sequence[Bag], score: StrokeScore) -> np.ndarray:
    """The highest score of a stroke in each bag (N,); minus infinity without a stroke."""
    return np.array(
        [stroke_scores(bag.found, score).max() if bag.found else float("-inf") for bag in made]
    )


def limit_for(made: Sequence[Bag], scores: np.ndarray, alarms: float) -> float:
    """The score that this share of the peaceful bags exceeds, all kinds counting the same."""
    peaceful = np.array([bag.answer is False and bag.copy == 0 for bag in made])
    kinds = [bag.window.kind for bag, is_one in zip(made, peaceful, strict=True) if is_one]
    counts = Counter(kinds)
    weights = np.array([1 / counts[kind] for kind in kinds]) / len(counts)
    order = np.argsort(-scores[peaceful])
    place = int(np.searchsorted(np.cumsum(weights[order]), alarms))
    return float(scores[peaceful][order][place])


def fit_scores(
    windows: Sequence[JudgeWindow], fold: np.ndarray
) -> tuple[dict[str, StrokeScore], list[dict[str, StrokeScore]]]:
    """The scores of all checks, fitted to all windows, and those that did not see each fold.

    Limits are set on scores of people that were not fitted to, and the limit for a fold on the
    other folds alone.
    """
    final: dict[str, StrokeScore] = {}
    blind: list[dict[str, StrokeScore]] = [{} for _ in range(int(fold.max()) + 1)]
    places = {id(window): index for index, window in enumerate(windows)}
    for name in SCORES:
        made = bags(windows, name)
        own = np.array([fold[places[id(bag.window)]] for bag in made])
        unseen = np.full(len(made), -np.inf)
        fitted = []
        for number in range(len(blind)):
            score = fit_score([bag for bag, f in zip(made, own, strict=True) if f != number])
            fitted.append(score)
            held = np.flatnonzero(own == number).tolist()
            unseen[held] = bag_scores([made[index] for index in held], score)
        for number, score in enumerate(fitted):
            rest = np.flatnonzero(own != number).tolist()
            limit = limit_for([made[index] for index in rest], unseen[rest], ALARMS[name])
            blind[number][name] = msgspec.structs.replace(score, limit=limit)
        limit = limit_for(made, unseen, ALARMS[name])
        final[name] = msgspec.structs.replace(fit_score(made), limit=limit)
    return final, blind


def tier_lines(
    windows: Sequence[JudgeWindow],
    fold: np.ndarray,
    blind: Sequence[dict[str, StrokeScore]],
    thresholds: Thresholds,
) -> Iterator[str]:
    """Markdown: what both tiers find in windows of people whom the scores were not fitted to."""
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for window, number in zip(windows, fold.tolist(), strict=True):
        own = msgspec.structs.replace(thresholds, **blind[number])
        for copy, joints in enumerate(copies(window)):
            tiers = {strike.tier for strike in strikes(joints, thresholds=own)}
            tier = "clear" if "clear" in tiers else "softened" if tiers else "none"
            whole = {True: "strikes", False: "peaceful", None: "undecided"}[window.is_strike]
            for row in (whole, f"{whole}: {window.kind}"):
                counts[row, copy][tier] += 1
    yield "| windows of people not fitted to | clear | clear or softened |"
    yield "|---|---|---|"

    def cells(row: str, copy: int) -> str:
        found = counts[row, copy]
        total = sum(found.values())
        clear, both = found["clear"], found["clear"] + found["softened"]
        return f"{Share(clear, total).sentence} | {Share(both, total).sentence}"

    strikes_rows = sorted(row for row, copy in counts if copy == 0 and row.startswith("strikes"))
    for row in strikes_rows:
        yield f"| {row} | {cells(row, 0)} |"
        for copy, (share, tempo) in enumerate(SOFTENED, start=1):
            yield f"| {row}, softened to {share:.0%} at {tempo:.0%} tempo | {cells(row, copy)} |"
    for whole in ("peaceful", "undecided"):
        yield f"| {whole} | {cells(whole, 0)} |"
        kinds = [row for row, _ in counts if row.startswith(f"{whole}: ")]
        kinds.sort(key=lambda row: (-sum(counts[row, 0][t] for t in ("clear", "softened")), row))
        for row in kinds[:16]:
            if counts[row, 0]["clear"] + counts[row, 0]["softened"]:
                yield f"| {row} | {cells(row, 0)} |"
    for title, named in (("clear", ("clear",)), ("clear or softened", ("clear", "softened"))):
        hits, wrong = (sum(counts[w, 0][t] for t in named) for w in ("strikes", "peaceful"))
        yield f"| precision, {title} | {Share(hits, hits + wrong).sentence} | |"
