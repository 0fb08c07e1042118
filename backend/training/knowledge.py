"""What a model knows, from its training captions, and how sure it is: see `known_actions`."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from scipy.optimize import minimize

from backend.assets import ASSETS
from backend.datasets import phrases
from backend.datasets.actions import Action
from backend.datasets.captions import vocabulary
from backend.datasets.preparation import PreparedClip
from backend.motion.lengths import FPS
from backend.text.known_actions import Calibration, Encode, KnownAction, KnownActions

PROMPTS: Final = ASSETS / "validation" / "knowledge.toml"
_FLAGGED: Final = 0.9  # share of unknown prompts that the limit flags
_DECAY: Final = 1e-4  # of the weights, so that a border that parts all prompts has an end


@dataclass(frozen=True)
class Labelled:
    """Validation prompts; whether each is known, and whether it is of the half that chooses."""

    prompts: tuple[str, ...]
    known: np.ndarray
    chooses: np.ndarray


def trained_actions(clips: Iterable[PreparedClip], least: float) -> list[Action]:
    """The sorts of action that at least so many seconds of recorded training motion show.

    A variant that is shown for less is not named, but counts for its kind.
    """
    seconds: dict[tuple[str, str | None], float] = defaultdict(float)
    for clip in clips:
        if clip.split != "train" or clip.variant != "plain":
            continue
        for segment in clip.segments:
            for action in segment.actions:
                share = (segment.end - segment.start) / FPS / len(segment.actions)
                seconds[action.kind, None] += share
                if action.variant in phrases.variants(action.kind):
                    seconds[action.kind, action.variant] += share
    kinds = set(phrases.kinds())
    return [Action(k, variant=v) for (k, v), s in seconds.items() if s >= least and k in kinds]


def gather(actions: Iterable[Action], encoder: str, encode: Encode) -> KnownActions:
    """What captions can say of the given kinds and variants, with sentence vectors."""
    sorts = sorted({(action.kind, action.variant) for action in actions}, key=str)
    entries, texts, rows = [], [], []
    taken: set[str] = set()
    for kind, variant in sorts:
        own = [text for text in _sentences(Action(kind, variant=variant)) if text not in taken]
        if not own:
            continue
        taken.update(own)
        name = kind.replace("_", " ") + (f": {variant.replace('_', ' ')}" if variant else "")
        entries.append(KnownAction(name, own[0]))
        texts += own
        rows += [len(entries) - 1] * len(own)
    vectors = np.asarray(encode(texts), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return KnownActions(
        encoder,
        tuple(entries),
        tuple(texts),
        np.array(rows),
        vectors,
        vocabulary(),
        Calibration(),
    )


def _sentences(action: Action) -> list[str]:
    verbs = (phrases.fill(template, action) for template in phrases.templates(action))
    sentences = [f"a person {phrases.inflect(text, 'third')}" for text in verbs]
    nouns = [phrases.fill(text, action) for text in phrases.templates(action, "nouns")]
    return [text.replace("their", "the") for text in dict.fromkeys((*sentences, *nouns))]


def labelled_prompts(kinds: Iterable[str]) -> Labelled:
    """The shipped validation prompts for a model that was trained on these kinds.

    What training captions can say is left out. Known prompts go to the halves in turn, so that
    both have every kind; what is unknown goes group by group, so that what is measured is unlike
    what was chosen on.
    """
    table = tomllib.loads(PROMPTS.read_text("utf-8"))
    trained = set(kinds)
    groups: dict[bool, dict[str, Sequence[str]]] = defaultdict(dict)
    said = vocabulary()
    for title, entries in table.items():
        for kind, prompts in entries.items():
            new = [text for text in prompts if not said.knows_all(text)]
            groups[title == "known" and kind in trained][kind] = new
    prompts, known, chooses, turn = [], [], [], 0
    for texts in groups[True].values():
        for text in texts:
            prompts.append(text)
            known.append(True)
            chooses.append(turn % 2 == 0)
            turn += 1
    for number, texts in enumerate(groups[False].values()):
        prompts += texts
        known += [False] * len(texts)
        chooses += [number % 2 == 0] * len(texts)
    return Labelled(tuple(prompts), np.array(known), np.array(chooses))


def calibrate(
    model: KnownActions, labelled: Labelled, encode: Encode
) -> tuple[KnownActions, dict[str, float]]:
    """The model with a score fitted on one half of the prompts, and what it does on the other.

    The limit is the lowest one that flags nine in ten unknown prompts of the half that chooses.
    """
    signs = np.array(
        [[model.closeness(text, encode), model.unmet(text)] for text in labelled.prompts]
    )
    half = labelled.chooses
    bias, closeness, unmet = _logistic(signs[half], labelled.known[half])
    fitted = Calibration(bias, closeness, unmet)
    scores = 1.0 / (1.0 + np.exp(-(bias + signs @ np.array([closeness, unmet]))))
    fitted = msgspec.structs.replace(fitted, limit=_limit(scores[half], labelled.known[half]))
    scores, known = scores[~half], labelled.known[~half]
    figures = {
        "known prompts": float(known.sum()),
        "unknown prompts": float((~known).sum()),
        "area under the curve": area_under_curve(scores, known),
        "area without unmet words": area_under_curve(signs[~half, 0], known),
        "known that pass": float((scores[known] >= fitted.limit).mean()),
        "unknown that are flagged": float((scores[~known] < fitted.limit).mean()),
    }
    return replace(model, calibration=fitted), figures


def area_under_curve(scores: np.ndarray, known: np.ndarray) -> float:
    """The chance that a known prompt scores above an unknown one; ties count half."""
    over = scores[known][:, None] - scores[~known][None]
    return float((over > 0).mean() + 0.5 * (over == 0).mean())


def _logistic(signs: np.ndarray, known: np.ndarray) -> tuple[float, float, float]:
    """Bias and weights of a logistic regression in which both classes weigh the same."""
    share = np.where(known, 0.5 / known.sum(), 0.5 / (~known).sum())
    sign = np.where(known, 1.0, -1.0)

    def loss(weights: np.ndarray) -> float:
        margin = sign * (weights[0] + signs @ weights[1:])
        return float((share * np.logaddexp(0.0, -margin)).sum() + _DECAY * (weights**2).sum())

    bias, closeness, unmet = (round(float(w), 3) for w in minimize(loss, np.zeros(3)).x)
    return bias, closeness, unmet


def _limit(scores: np.ndarray, known: np.ndarray) -> float:
    return round(float(np.quantile(scores[~known], _FLAGGED, method="higher")), 3)
