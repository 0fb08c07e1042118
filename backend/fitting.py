"""Fitting a safety edit to a checkpoint: gathers what each method reads, then runs it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from backend.checkpoints import Checkpoint
from backend.datasets import phrases
from backend.datasets.actions import Action, Side
from backend.datasets.captions import caption
from backend.text_encoder import TextEncoder
from backend.unlearning.concept import Concept
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import find_method
from backend.unlearning.statistics import CodeStatistics
from backend.unlearning.text_embeddings import embed_concept

STATISTICS: Final = Path(__file__).parent / "assets" / "statistics"
# The empty prompt, as published, is one that the embedded model was never trained on.
TARGET_PROMPT: Final = "a person walks forward slowly"
FORGET_SENTENCES: Final = 300
RETAIN_SENTENCES: Final = 600
_DRAWN: Final = 6000


def with_sentences(concept: Concept) -> Concept:
    """The concept with whole sentences to forget and to keep, composed like training captions.

    A sentence encoder puts a bare keyword far from the sentences that people write, and a matrix
    edit reaches only what lies near the prompts that it was given.
    """
    rng = np.random.default_rng(0)
    kinds = phrases.kinds()
    sides: tuple[Side | None, ...] = (None, "left", "right")
    forget, retain = dict.fromkeys(concept.forget_prompts), dict.fromkeys(concept.retain_prompts)
    for number in range(_DRAWN):
        kind = kinds[number % len(kinds)]
        action = Action(kind, side=sides[rng.integers(len(sides))])
        text = caption([action], rng)
        (forget if concept.matches(text) else retain)[text] = None
    return msgspec.structs.replace(
        concept,
        forget_prompts=_spread(forget, FORGET_SENTENCES),
        retain_prompts=_spread(retain, RETAIN_SENTENCES),
    )


def _spread(texts: Iterable[str], count: int) -> tuple[str, ...]:
    """`count` texts taken evenly; they come sorted by class in turn, so all classes stay."""
    every = list(texts)
    if len(every) <= count:
        return tuple(every)
    return tuple(every[round(i)] for i in np.linspace(0, len(every) - 1, count))


def fit_edit(
    checkpoint: Checkpoint,
    encoder: TextEncoder,
    concept: Concept,
    method: str,
    model: str,
    preset: str = "embedded",
    overrides: Mapping[str, Any] | None = None,
    statistics: Path | None = None,
) -> Edit:
    """Fit `method` to the networks of `model`, published or with Placid's own settings.

    With any preset but `published`, UCE and RECE read whole sentences (`with_sentences`).

    Raises:
        UnlearningError: for an unknown method, preset or parameter, or missing statistics.
    """
    chosen = find_method(method)
    parameters = chosen.parameters(preset, **(overrides or {}))
    networks = {
        name: network
        for name, network in checkpoint.model_networks(model).items()
        if name in chosen.touches
    }
    data: Any
    if chosen.data == "statistics":
        path = statistics or STATISTICS / f"{concept.name}.safetensors"
        if not path.exists():
            raise UnlearningError(
                f"there are no code statistics of {concept.name!r} ({path}); make them with "
                "`backend unlearn statistics`, or use uce or rece, which need none"
            )
        data = CodeStatistics.load(path)
    else:
        published = preset == "published"
        sentences = concept if published else with_sentences(concept)
        data = embed_concept(
            sentences,
            encoder.encode,
            wording="keywords" if published else "prompts",
            target_prompt=None if published else TARGET_PROMPT,
        )
    with torch.no_grad():
        return chosen.fit(networks, concept, data, parameters)
