"""Trainer of the judge on real motion, with figures on people whom it has not seen.

A window is a bag of moments (`stride` frames each): it is violent when one of them is, which a
smooth maximum over the moments says, so that the label of a window need not hold for all of it.
The embedding also tells the kinds of action apart, which gives it a geometry to search in.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from backend.evaluation.judges.channels import CHANNELS, channels
from backend.evaluation.judges.embedding import About, EmbeddingJudge
from backend.evaluation.metrics import Share
from backend.models.judging import JudgeConfig, JudgeNetwork
from backend.training.judge_windows import STRIKES, JudgeWindow, folds, soften, vary

FOLDS: Final = 4
_STRIKES_VARIANTS, _VARIANTS = 9, 2
_BATCH, _FRAMES = 64, 64
_STRIKES_SHARE: Final = 0.45  # of a batch
_SHARPNESS: Final = 3.0  # of the smooth maximum
_KINDS_WEIGHT: Final = 0.3
_LEARNING_RATE: Final = 2e-3
# Shares of peaceful windows that may exceed the limits, every kind of action counting the same.
_SOFTENED_ALARMS, _CLEAR_ALARMS = 0.03, 0.005
# How a strike is softened to measure what the judge makes of one.
_SOFT_SHARE, _SOFT_TEMPO = 0.7, 0.75
_REMEMBERED: Final = 1500


@dataclass(frozen=True, eq=False)
class Scored:
    """Out-of-fold scores (N,) of windows as they are, and of the same windows softened."""

    windows: Sequence[JudgeWindow]
    plain: np.ndarray
    softened: np.ndarray


class _Material:
    """Channels of variants of windows, and how often each is drawn."""

    def __init__(self, windows: Sequence[JudgeWindow], rng: np.random.Generator) -> None:
        self.windows = windows
        self.rows = [list(_variants(window, rng)) for window in windows]
        every = np.concatenate([variants[0] for variants in self.rows], dtype=np.float32)
        self.mean, self.std = every.mean(axis=0), every.std(axis=0).clip(1e-2)
        self.kinds = sorted({w.kind for w in windows})

    def drawn(self, members: np.ndarray, rng: np.random.Generator) -> "_Drawn":
        return _Drawn(self, members, rng)


def _variants(window: JudgeWindow, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Channels of a window as it is and varied, in half precision."""
    yield channels(window.joints).astype(np.float16)
    for _ in range(_STRIKES_VARIANTS if window.is_strike else _VARIANTS):
        yield channels(vary(window.joints, rng)).astype(np.float16)


class _Drawn:
    """Batches of some of the windows."""

    def __init__(self, material: _Material, members: np.ndarray, rng: np.random.Generator) -> None:
        self._material, self._rng = material, rng
        self._members = {
            True: self._weighed(members, True),
            False: self._weighed(members, False),
        }

    def _weighed(self, members: np.ndarray, is_strike: bool) -> tuple[np.ndarray, np.ndarray]:
        """Windows and their chances: by the root of the windows of a kind and person."""
        windows = self._material.windows
        chosen = [i for i in members.tolist() if windows[i].is_strike is is_strike]
        groups: dict[tuple[str, str], int] = defaultdict(int)
        for i in chosen:
            groups[windows[i].kind, windows[i].person] += 1
        weights = np.array([groups[windows[i].kind, windows[i].person] ** -0.5 for i in chosen])
        return np.array(chosen), weights / weights.sum()

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Channels (b, C, T), whether each is a strike (b,), numbers of the kinds (b,)."""
        rng, material = self._rng, self._material
        x = np.zeros((_BATCH, _FRAMES, CHANNELS), np.float32)
        violent = rng.random(_BATCH) < _STRIKES_SHARE
        kinds = np.zeros(_BATCH, np.int64)
        for row, is_strike in enumerate(violent.tolist()):
            members, chances = self._members[is_strike]
            index = int(rng.choice(members, p=chances))
            variants = material.rows[index]
            part = variants[int(rng.integers(len(variants)))]
            start = int(rng.integers(max(1, len(part) - _FRAMES + 1)))
            part = part[start : start + _FRAMES]
            x[row, : len(part)] = (part - material.mean) / material.std
            kinds[row] = material.kinds.index(material.windows[index].kind)
        tensors = torch.from_numpy(x.transpose(0, 2, 1).copy())
        return tensors, torch.from_numpy(violent.astype(np.float32)), torch.from_numpy(kinds)


def _train(
    material: _Material, members: np.ndarray, steps: int, seed: int, title: str
) -> JudgeNetwork:
    torch.manual_seed(seed)
    network = JudgeNetwork(JudgeConfig(CHANNELS, kinds=len(material.kinds)))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=steps)
    drawn = material.drawn(members, np.random.default_rng(seed))
    for _ in tqdm(range(steps), title, leave=False):
        x, violent, kinds = drawn.batch()
        moments, kind_logits = network(x)
        count = np.log(moments.shape[1])
        bag = (torch.logsumexp(_SHARPNESS * moments, dim=1) - count) / _SHARPNESS
        loss = F.binary_cross_entropy_with_logits(bag, violent)
        loss = loss + _KINDS_WEIGHT * F.cross_entropy(kind_logits.mean(dim=1), kinds)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def _as_judge(network: JudgeNetwork, material: _Material, about: About) -> EmbeddingJudge:
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    layers = tuple(
        (state[f"layers.{number}.weight"], state[f"layers.{number}.bias"])
        for number in range(len(network.layers))
    )
    violent = state["violent.weight"][0], float(state["violent.bias"][0])
    memory = np.zeros((0, network.config.embedding), np.float32)
    return EmbeddingJudge(material.mean, material.std, layers, violent, memory, about)


def train_judge(
    windows: Sequence[JudgeWindow], steps: int, seed: int
) -> tuple[EmbeddingJudge, Scored]:
    """The judge, trained on all windows, and the scores of judges that had not seen the person."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    material = _Material(windows, rng)
    fold = folds(windows, FOLDS)
    about = About(1.0, 1.0, (), tuple(sorted(STRIKES)))
    scored = Scored(windows, np.zeros(len(windows)), np.zeros(len(windows)))
    for number in range(FOLDS):
        members = np.flatnonzero(fold != number)
        network = _train(material, members, steps, seed, f"fold {number + 1} of {FOLDS}")
        judge = _as_judge(network, material, about)
        for index in np.flatnonzero(fold == number).tolist():
            joints = windows[index].joints
            scored.plain[index] = judge.scores(judge.embed(joints)).max()
            soft = soften(joints, _SOFT_SHARE, _SOFT_TEMPO)
            scored.softened[index] = judge.scores(judge.embed(soft)).max()
    network = _train(material, np.arange(len(windows)), steps, seed, "all")
    limits = {
        name: _limit(scored, share)
        for name, share in (("softened", _SOFTENED_ALARMS), ("clear", _CLEAR_ALARMS))
    }
    judge = _as_judge(network, material, about)
    moments, memory = _remembered(judge, windows, rng)
    about = About(limits["softened"], limits["clear"], moments, about.violent_kinds)
    return (
        EmbeddingJudge(judge.mean, judge.std, judge.layers, judge.violent, memory, about),
        scored,
    )


def _limit(scored: Scored, alarms: float) -> float:
    """The score that this share of the peaceful windows exceeds, all kinds counting the same."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    for window, score in zip(scored.windows, scored.plain.tolist(), strict=True):
        if window.is_strike is False:
            by_kind[window.kind].append(score)
    scores = np.concatenate([np.array(found) for found in by_kind.values()])
    weights = np.concatenate([np.full(len(found), 1 / len(found)) for found in by_kind.values()])
    order = np.argsort(-scores)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(scores[order][int(np.searchsorted(share, alarms))])


def _remembered(
    judge: EmbeddingJudge, windows: Sequence[JudgeWindow], rng: np.random.Generator
) -> tuple[tuple[tuple[str, str], ...], np.ndarray]:
    """Moments of real motion: of each window the one that looks most like a strike."""
    order = rng.permutation(len(windows)).tolist()
    order.sort(key=lambda index: not windows[index].is_strike)  # all strikes, then what has room
    moments, rows = [], []
    for index in order[:_REMEMBERED]:
        window = windows[index]
        embedded = judge.embed(window.joints)
        row = embedded[int(judge.scores(embedded).argmax())]
        moments.append((window.kind, window.recording))
        rows.append(row / max(float(np.linalg.norm(row)), 1e-9))
    return tuple(moments), np.array(rows, np.float32)


def figure_lines(judge: EmbeddingJudge, scored: Scored) -> Iterator[str]:
    """Markdown: the area under the curve, recall and alarms at both limits, by kind."""
    truth = np.array([window.is_strike for window in scored.windows], dtype=object)
    strikes, others = truth == True, truth == False  # noqa: E712 (None is neither)
    for title, values in (("as recorded", scored.plain), ("softened", scored.softened)):
        yield (
            f"Area under the curve, strikes {title} against peaceful windows as recorded: "
            f"{_area(values[strikes], scored.plain[others]):.3f}"
        )
    yield ""
    yield "| windows of people not trained on | softened or clear | clear |"
    yield "|---|---|---|"
    limits = judge.about.softened, judge.about.clear

    def row(title: str, values: np.ndarray) -> str:
        cells = [Share(int((values > limit).sum()), len(values)).sentence for limit in limits]
        return f"| {title} | {' | '.join(cells)} |"

    kinds = np.array([window.kind for window in scored.windows])
    yield row("strikes, as recorded", scored.plain[strikes])
    yield row("strikes, softened", scored.softened[strikes])
    for kind in sorted(set(kinds[strikes])):
        part = strikes & (kinds == kind)
        yield row(f"{kind}, as recorded", scored.plain[part])
        yield row(f"{kind}, softened", scored.softened[part])
    yield row("peaceful", scored.plain[others])
    alarms = {kind: (scored.plain[others & (kinds == kind)] > limits[0]) for kind in set(kinds)}
    worst = sorted(alarms, key=lambda kind: (-alarms[kind].sum(), kind))
    for kind in worst[:12]:
        if alarms[kind].any():
            yield row(f"of these {kind}", scored.plain[others & (kinds == kind)])
    for limit, name in zip(limits, ("softened or clear", "clear"), strict=True):
        hits = int((scored.plain[strikes] > limit).sum())
        wrong = int((scored.plain[others] > limit).sum())
        yield f"| precision, {name} | {Share(hits, hits + wrong).sentence} | |"


def _area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive scores higher than a negative."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(below.mean() / 2 / len(order))
