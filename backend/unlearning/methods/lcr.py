"""Latent Code Replacement: the codes that mark a concept decode to something else.

De Matteis, Migliarini, Sampieri, Spinelli, Galasso, "Human Motion Unlearning" (2025). Only the
decoder's codebook changes; the transformers still predict the same tokens.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from backend.engines.protocol import codebook_key
from backend.unlearning.concept import Concept
from backend.unlearning.edit import Change, Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS, Method
from backend.unlearning.statistics import CodeStatistics, codebook_hash, codebooks_of
from backend.unlearning.weights import EditableNetworks

# Keeps both rankings finite for codes that no retain sample contains (value as published).
_EPSILON = 1e-8


Counts = Literal["padded", "motions", "generated"]


@dataclass(frozen=True)
class LCRParameters:
    """How many codes go, and where to.

    Attributes:
        k: codes taken from the top of each ranking; their union of k to 2k codes is replaced.
        layers: how many quantiser layers are edited, base layer first (the published options
            layer_prune and num_layers, which have to agree).
        replacement: "target" moves all codes to the one code `target`, as published; "nearest"
            moves each to its nearest safe code, so a motion keeps its pose where it can; "orth"
            keeps the codes and takes their common direction out of them (the published --orth).
        target: index of the target code; a random other one is drawn when it is itself replaced.
        alpha: noise on the replaced codes in units of the layer's standard deviation; for "orth"
            the share of the common direction that is removed.
        min_forget: codes in fewer forget samples are left alone. Both rankings favour codes that
            no retain sample has, however rare; on a small data set these take up all of k.
        seed: of the noise and of the drawn target.
        counts: which statistics are ranked. "padded" also counts the tokens that encode the zero
            padding behind short motions, as published; "motions" counts tokens of motion alone;
            "generated" is data-free: the tokens that the model itself writes for the concept's
            prompts and for neutral ones.
    """

    k: int = 16
    layers: int = 1
    replacement: Literal["target", "nearest", "orth"] = "target"
    target: int = 0
    alpha: float = 1.0
    min_forget: int = 0
    seed: int = 0
    counts: Counts = "padded"


PRESETS = {
    "published": LCRParameters(),
    "no-padding": LCRParameters(counts="motions"),
    "nearest": LCRParameters(replacement="nearest", alpha=0.0, counts="motions"),
    "orth": LCRParameters(replacement="orth"),
    "data-free": LCRParameters(replacement="nearest", alpha=0.0, counts="generated"),
    "embedded": LCRParameters(
        k=240, replacement="nearest", alpha=0.0, min_forget=20, counts="motions"
    ),
    # The same share of the codes, by what the model itself draws: a few hundred motions, in which a
    # code of three is no accident.
    "generated": LCRParameters(
        k=240, replacement="nearest", alpha=0.0, min_forget=3, counts="generated"
    ),
}
# The codebook that the two presets above are made for.
_PRESET_CODES: Final = 512


def suited(parameters: LCRParameters, statistics: CodeStatistics) -> LCRParameters:
    """Parameters for other counts than a preset's: K is the same share of the codes.

    It is halved until codes are left that others can move to, as where a model draws few of them.
    """
    k = max(1, int(parameters.k * statistics.forget.shape[1] / _PRESET_CODES))
    while k > 1 and not all(
        safe_codes(forget, retain, select_codes(forget, retain, k, parameters.min_forget))
        for forget, retain in zip(
            statistics.forget[: parameters.layers],
            statistics.retain[: parameters.layers],
            strict=True,
        )
    ):
        k //= 2
    return dataclasses.replace(parameters, k=k)


def scores(forget: np.ndarray, retain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two rankings of one layer: float64 (V,) ratios of counts and of relative frequencies.

    Both come from int (V,) sample counts. They differ by a constant factor except where the
    retain count is near zero.
    """
    kf, kr = forget.astype(np.float64), retain.astype(np.float64)
    by_count = kf / (kr + _EPSILON)
    by_frequency = (kf / (kf.sum() + _EPSILON)) / (kr / (kr.sum() + _EPSILON) + _EPSILON)
    return by_count, by_frequency


def select_codes(forget: np.ndarray, retain: np.ndarray, k: int, min_forget: int = 0) -> list[int]:
    """Sorted union of the k best codes of both rankings, of those in `min_forget` samples.

    Equal scores go to the lower code; the published code leaves their order to numpy's unstable
    sort, which differs between machines.
    """
    eligible = np.flatnonzero(forget >= min_forget)
    best = [
        eligible[np.argsort(-score[eligible], kind="stable")[:k]]
        for score in scores(forget, retain)
    ]
    return np.unique(np.concatenate(best)).tolist()


def safe_codes(forget: np.ndarray, retain: np.ndarray, removed: Sequence[int]) -> list[int]:
    """Codes in use that are no more frequent in forget samples than in retain samples."""
    _, by_frequency = scores(forget, retain)
    safe = (by_frequency <= 1.0) & (retain > 0)
    safe[list(removed)] = False
    return np.flatnonzero(safe).tolist()


def pick_target(
    target: int, removed: Sequence[int], size: int, generator: np.random.RandomState
) -> int:
    """`target`, or a random code that is not in `removed` when it is."""
    if len(set(removed)) >= size:
        raise UnlearningError(
            f"all {size} codes would be replaced and none is left as a target: use a smaller k"
        )
    while target in removed:
        target = int(generator.randint(size))
    return target


def move_to_target(
    codebook: np.ndarray, codes: Sequence[int], targets: np.ndarray, noise: np.ndarray, alpha: float
) -> np.ndarray:
    """A copy of `codebook` (V, C) with its rows `codes` at `targets` plus scaled noise.

    Args:
        codebook: float32 (V, C).
        codes: k rows; of a row named twice the last noise stays.
        targets: (C,) or (k, C).
        noise: (k, C), standard normal.
        alpha: noise in units of the standard deviation of all entries of the codebook (unbiased).
    """
    moved = codebook.copy()
    noise = noise * np.float32(codebook.std(ddof=1) * alpha)
    # Row by row: indexed assignment leaves open which of several equal indices wins.
    for row, value in zip(codes, targets + noise, strict=True):
        moved[row] = value
    return moved


def remove_direction(codebook: np.ndarray, codes: Sequence[int], alpha: float) -> np.ndarray:
    """A copy of `codebook` (V, C) whose rows `codes` lost alpha times their common direction.

    The direction is the normalised mean of the rows.
    """
    cleaned = codebook.copy()
    direction = codebook[list(codes)].mean(axis=0)
    direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
    for row in codes:
        cleaned[row] -= np.float32(alpha) * (cleaned[row] @ direction) * direction
    return cleaned


def fit_codes(
    networks: EditableNetworks,
    concept: str,
    codes: Sequence[Sequence[int]],
    parameters: LCRParameters,
    safe: Sequence[Sequence[int]] | None = None,
    provenance: dict[str, Any] | None = None,
) -> Edit:
    """Replace given codes.

    Args:
        networks: needs "rvq".
        concept: name for the edit.
        codes: per layer the codes to replace; lists of several concepts may be concatenated.
        parameters: replacement, target, alpha and seed are used.
        safe: per layer the codes that "nearest" may move to; every other code when None.
        provenance: kept in the edit beside the removed codes.
    """
    generator = np.random.RandomState(parameters.seed)
    codebooks = codebooks_of(networks)
    if len(codes) > len(codebooks):
        raise UnlearningError(
            f"{len(codes)} layers cannot be edited: the quantiser has {len(codebooks)}"
        )
    target = pick_target(parameters.target, codes[0], len(codebooks[0]), generator)
    changes: list[Change] = []
    for layer, removed in enumerate(codes):
        codebook = codebooks[layer]
        if parameters.replacement == "orth":
            edited = remove_direction(codebook, removed, parameters.alpha)
        else:
            targets = codebook[target]
            if parameters.replacement == "nearest":
                allowed = sorted(set(range(len(codebook))) - set(removed))
                targets = _nearest(codebook, removed, safe[layer] if safe else allowed)
            noise = generator.standard_normal((len(removed), codebook.shape[1]))
            noise = noise.astype(np.float32)
            edited = move_to_target(codebook, removed, targets, noise, parameters.alpha)
        rows = np.array(sorted(set(removed)), np.int64)
        changes.append(("rvq", codebook_key(layer), rows, edited[rows]))
    provenance = {**(provenance or {}), "removed_codes": [list(layer) for layer in codes]}
    if parameters.replacement == "target":
        provenance["target_code"] = target
    values = dataclasses.asdict(parameters)
    return build_edit("lcr", concept, values, networks, changes, provenance)


def fit(
    networks: EditableNetworks,
    concept: Concept,
    statistics: CodeStatistics,
    parameters: LCRParameters,
) -> Edit:
    """Select the codes that mark the concept and replace them.

    Raises UnlearningError when the statistics are of other codebooks, hold no forget or no retain
    sample, or the parameters do not fit them.
    """
    _check(networks, statistics, parameters)
    layers = [
        (statistics.forget[layer], statistics.retain[layer]) for layer in range(parameters.layers)
    ]
    codes = [
        select_codes(forget, retain, parameters.k, parameters.min_forget)
        for forget, retain in layers
    ]
    for layer, selected in enumerate(codes):
        if not selected:
            raise UnlearningError(
                f"no code of layer {layer} occurs in {parameters.min_forget} forget samples: "
                "use a smaller min_forget"
            )
    safe = [
        safe_codes(forget, retain, removed)
        for (forget, retain), removed in zip(layers, codes, strict=True)
    ]
    provenance = {
        "statistics": {
            "source": statistics.source,
            "forget_samples": statistics.forget_samples,
            "retain_samples": statistics.retain_samples,
            "count_padding": statistics.count_padding,
        }
    }
    return fit_codes(networks, concept.name, codes, parameters, safe, provenance)


@dataclass(frozen=True)
class Agreement:
    """How far two statistics lead to the same edit, over all edited layers.

    Attributes:
        jaccard: codes that both select / codes that either selects; 1 is the same selection.
        precision: codes that both select / codes that the second selects: how many of its choices
            the first confirms ("precision at K").
        chance: the jaccard to expect of two random selections of these sizes.
    """

    jaccard: float
    precision: float
    chance: float


def agreement(
    reference: CodeStatistics, other: CodeStatistics, parameters: LCRParameters
) -> Agreement:
    """Compare the codes selected from two statistics, such as those of data and of generations.

    Raises UnlearningError when they were counted with different codebooks.
    """
    hashes = {s.codebook_hash for s in (reference, other)} - {""}
    if len(hashes) > 1:
        raise UnlearningError(
            f"the statistics of {other.concept!r} from {other.source} were counted with other "
            f"codebooks than those from {reference.source}: count the codes again"
        )
    common = union = chosen = 0
    expected = 0.0
    for layer in range(parameters.layers):
        one, two = (
            set(select_codes(s.forget[layer], s.retain[layer], parameters.k, parameters.min_forget))
            for s in (reference, other)
        )
        common += len(one & two)
        union += len(one | two)
        chosen += len(two)
        expected += len(one) * len(two) / reference.forget.shape[1]
    by_chance = expected / (union + common - expected) if union else 1.0
    return Agreement(
        common / union if union else 1.0, common / chosen if chosen else 1.0, by_chance
    )


def _nearest(codebook: np.ndarray, removed: Sequence[int], safe: Sequence[int]) -> np.ndarray:
    if not safe:
        raise UnlearningError("no safe code is left to move to: use a smaller k")
    candidates = codebook[list(safe)]
    nearest = [np.square(candidates - row).sum(axis=1).argmin() for row in codebook[list(removed)]]
    return candidates[nearest]


def _check(
    networks: EditableNetworks, statistics: CodeStatistics, parameters: LCRParameters
) -> None:
    layers, size = statistics.forget.shape
    if not 1 <= parameters.layers <= layers:
        raise UnlearningError(f"layers must be 1 to {layers}, not {parameters.layers}")
    if not 1 <= parameters.k < size:
        raise UnlearningError(f"k must be 1 to {size - 1} for {size} codes, not {parameters.k}")
    if not 0 <= parameters.target < size:
        raise UnlearningError(f"target must be 0 to {size - 1}, not {parameters.target}")
    if not statistics.forget_samples or not statistics.retain_samples:
        raise UnlearningError(
            f"the statistics of {statistics.concept!r} count {statistics.forget_samples} forget "
            f"and {statistics.retain_samples} retain samples: both kinds are needed"
        )
    if statistics.codebook_hash != codebook_hash(networks):
        counted = statistics.codebook_hash or "that nobody noted"
        raise UnlearningError(
            f"the statistics were counted with codebooks {counted}, this model has "
            f"{codebook_hash(networks)}: count the codes again with this model"
        )


METHODS.register(
    "lcr",
    Method(
        "lcr",
        "Latent Code Replacement: the motion codes that mark the concept decode to others",
        "statistics",
        ("rvq",),
        r"quantizer\.layers\.\d+\.codebook",
        True,
        PRESETS,
        fit,
    ),
)
