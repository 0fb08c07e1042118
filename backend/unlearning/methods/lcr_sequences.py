"""LCR on sequences: the decoder reads violent runs of codes as others, and single codes as ever.

Latent Code Replacement (`lcr`) moves single codes, which safe motion uses too, and leaves soft
strikes that are built of codes it does not move. Single codes do not mark violence, sequences do.
The first layer of the decoder reads three tokens at a time, so it is where a sequence can be met:
its weight W is solved anew, in closed form and with the codebooks as they are, so that windows of
violent runs give what W gave for LCR's replacements, and windows of other motions what they gave
(the objective of Unified Concept Editing, with windows x of summed code vectors for prompts):

W + sum_f W (t - x) x' (sum_f x x' + preserve sum_r x x' + ridge)^-1, in means over either kind.

A variant of this project's, not of a paper.
"""

import dataclasses
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.edit import Change, Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods.lcr import (
    Counts,
    LCRParameters,
    fit_codes,
    safe_codes,
    select_codes,
)
from backend.unlearning.registry import METHODS, Method
from backend.unlearning.statistics import codebooks_of
from backend.unlearning.text_projections import second_moment
from backend.unlearning.token_scores import code_scores, marked_tokens
from backend.unlearning.token_sequences import CountedSequences
from backend.unlearning.weights import EditableNetworks, read_array

KEY: Final = "decoder.model.0.weight"
# A change is scaled by no more than this: what has to go further has not found the concept.
_MOST_REACH: Final = 4.0


@dataclass(frozen=True)
class SequenceParameters:
    """Which windows are violent, what they become, and how hard the others pull.

    Attributes:
        limit: windows of four base tokens whose mean log ratio of counts is above are violent.
        k, min_forget: LCR's, of the replacements that violent windows are read as.
        smooth: the replacements are averaged over so many tokens, so that what is left is slow;
            odd, 1 for none.
        preserve: weight of the windows of retained motions.
        ridge: weight of staying near the old weight, in units of the violent windows' mean square
            in a direction.
        counts: as of LCR; which statistics say how violent a code is.
    """

    limit: float = 1.0
    k: int = 240
    min_forget: int = 20
    smooth: int = 5
    preserve: float = 5.0
    ridge: float = 0.01
    counts: Counts = "motions"


PRESETS: Final = {
    # Chosen with the kinematic checks on validation prompts; docs/unlearning.md has the figures.
    "published": SequenceParameters(smooth=1),
    "embedded": SequenceParameters(),
    "data-free": SequenceParameters(k=200, min_forget=5, counts="generated"),
}


def windows(vectors: np.ndarray, kernel: int) -> np.ndarray:
    """(b, n, C) -> (b, n, kernel C): each place with its neighbours, zeros beyond the ends."""
    before = kernel // 2
    wide = np.pad(vectors, ((0, 0), (before, kernel - 1 - before), (0, 0)))
    count = vectors.shape[1]
    return np.concatenate([wide[:, i : i + count] for i in range(kernel)], axis=-1)


def smoothed(vectors: np.ndarray, width: int) -> np.ndarray:
    """(b, n, C) -> (b, n, C): means over `width` tokens round each, the ends held."""
    side = width // 2
    wide = np.pad(vectors, ((0, 0), (side, side), (0, 0)), mode="edge")
    count = vectors.shape[1]
    mean: np.ndarray = np.mean([wide[:, i : i + count] for i in range(2 * side + 1)], axis=0)
    return mean


def edit_weight(
    weight: np.ndarray,
    violent: np.ndarray,
    wanted: np.ndarray,
    retain: np.ndarray,
    parameters: SequenceParameters,
) -> np.ndarray:
    """The closed-form solution (d, w), with windows violent (n, w), their stand-ins, retain (m, w).

    The change is scaled until violent windows arrive where they shall on average.
    """
    way = (wanted - violent) @ weight.T
    moment = second_moment(violent)
    ridge = parameters.ridge * np.trace(moment) / len(moment) * np.eye(len(moment))
    held = moment + parameters.preserve * second_moment(retain) + ridge
    change = np.linalg.solve(held, violent.T @ way / len(violent)).T
    gone = violent @ change.T
    progress = ((gone * way).sum(axis=1) / np.maximum(np.square(way).sum(axis=1), 1e-12)).mean()
    reach = min(max(1.0 / max(float(progress), 1e-12), 1.0), _MOST_REACH)
    edited: np.ndarray = weight + reach * change
    return edited


def fit(
    networks: EditableNetworks,
    concept: Concept,
    data: CountedSequences,
    parameters: SequenceParameters,
) -> Edit:
    """Edit the decoder's first layer.

    Raises UnlearningError when sequences or counts are of other codebooks, or hold no violent run.
    """
    if parameters.preserve < 0 or parameters.ridge <= 0 or min(parameters.k, parameters.smooth) < 1:
        raise UnlearningError(
            "preserve must be at least 0, the ridge above 0, k and smooth at least 1, not "
            f"{parameters.preserve}, {parameters.ridge}, {parameters.k} and {parameters.smooth}"
        )
    sequences, counts = data.sequences, data.counts
    sequences.check(networks)
    if counts.codebook_hash != sequences.codebook_hash:
        raise UnlearningError(
            f"the statistics of {counts.concept!r} were counted with codebooks "
            f"{counts.codebook_hash or 'that nobody noted'}, the sequences with "
            f"{sequences.codebook_hash}: count the codes again with this model"
        )
    forget, retain = counts.forget[0], counts.retain[0]
    codes = select_codes(forget, retain, parameters.k, parameters.min_forget)
    # The replacements are LCR's: a code's nearest safe one.
    replaced = fit_codes(
        networks,
        concept.name,
        [codes],
        LCRParameters(k=parameters.k, replacement="nearest", alpha=0.0),
        [safe_codes(forget, retain, codes)],
    )
    books = codebooks_of(networks)
    others = books[0].copy()
    others[replaced.patches[0].rows] = replaced.patches[0].values
    scores = code_scores(counts)
    violent = np.stack(
        [marked_tokens(scores, ids[:, 0], parameters.limit) for ids in sequences.forget]
    )
    if not violent.any():
        raise UnlearningError(
            f"no run of codes of {concept.name!r} scores above {parameters.limit}: lower the limit"
        )
    weight = read_array(networks, "rvq", KEY).astype(np.float64)
    outputs, width, kernel = weight.shape
    flat = weight.transpose(0, 2, 1).reshape(outputs, kernel * width)
    own = _vectors(books, sequences.forget)
    stand_in = own - books[0][sequences.forget[..., 0]] + others[sequences.forget[..., 0]]
    edited = edit_weight(
        flat,
        windows(own, kernel)[violent],
        windows(smoothed(stand_in, parameters.smooth), kernel)[violent],
        windows(_vectors(books, sequences.retain), kernel).reshape(-1, kernel * width),
        parameters,
    )
    values = edited.reshape(outputs, kernel, width).transpose(0, 2, 1)
    provenance = {
        "sequences": {
            "source": sequences.source,
            "forget_samples": sequences.forget_samples,
            "retain_samples": sequences.retain_samples,
            "violent_tokens": int(violent.sum()),
        },
        "statistics": {"source": counts.source},
    }
    changes: list[Change] = [("rvq", KEY, None, values)]
    named = dataclasses.asdict(parameters)
    return build_edit("lcr_sequences", concept.name, named, networks, changes, provenance)


def _vectors(books: list[np.ndarray], ids: np.ndarray) -> np.ndarray:
    """Summed code vectors float64 (b, n, C) of ids (b, n, Q); negative ids add nothing."""
    total = np.zeros((*ids.shape[:2], books[0].shape[1]))
    for layer, book in enumerate(books[: ids.shape[-1]]):
        chosen = ids[..., layer]
        total += np.where((chosen < 0)[..., None], 0.0, book[chosen])
    return total


METHODS.register(
    "lcr_sequences",
    Method(
        "lcr_sequences",
        "LCR on sequences: the decoder reads violent runs of codes as safe ones, others as ever",
        "sequences",
        ("rvq",),
        re.escape(KEY),
        False,
        PRESETS,
        fit,
    ),
)
