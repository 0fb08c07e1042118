"""The edited model that is attacked: its motions, its weights, and the prompts it is asked with."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from backend.generation.samplers.steps import NO_TOKEN
from backend.generation.token_sampler import SampleSpec, TokenSampler, padded
from backend.motion.foot_contact import ground
from backend.unlearning.concept import Concept
from backend.unlearning.edit import Edit

# 5 seconds, as in the tables of `backend unlearn compare`.
TOKENS: Final = 25
# Nothing is fitted, chosen or reported on with these prompts elsewhere.
_SUITE: Final = "adversarial"

Changes = Mapping[tuple[str, str], np.ndarray]


@dataclass(frozen=True)
class Target:
    """A model under an edit.

    Attributes:
        generator: with the checkpoint.
        model: momask or bamm.
        edits: what was unlearned; none for the unedited model.
        concept: what was to be forgotten.
        prompts: that ask for it; nothing was fitted on them.
        seed: of the first prompt; the next has the next.
    """

    generator: Generator
    model: str
    edits: tuple[Edit, ...]
    concept: Concept
    prompts: tuple[str, ...]
    seed: int = 0

    @property
    def networks(self) -> Mapping[str, Any]:
        """The model's networks, as they are now."""
        return self.generator.load().model_networks(self.model)

    def apply(self) -> None:
        """Put the edits in force."""
        self.generator.edits.activate(self.generator.load().networks, self.edits, 1.0)

    def revert(self) -> None:
        """Take the edits back; the base is there again, bit for bit."""
        self.generator.edits.revert()

    @contextlib.contextmanager
    def changed(self, changes: Changes) -> Iterator[None]:
        """The edited model with arrays replaced: (network, key) -> all values."""
        self.apply()
        networks = self.networks
        before = {place: networks[place[0]].read(place[1]) for place in changes}
        try:
            for (network, key), values in changes.items():
                networks[network].write(key, values.astype(np.float32, copy=False))
            yield
        finally:
            for (network, key), values in before.items():
                networks[network].write(key, values)

    def vectors(self, prompts: Sequence[str]) -> np.ndarray:
        """(b, text_dim)."""
        return self.generator.encoder.encode(list(prompts))

    def sample(self, text: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Token ids (b, n, Q) of text vectors (b, text_dim), by the weights as they are now."""
        first = self.seed if seed is None else seed
        ids, _ = self.generator.sample_tokens(
            self.networks,
            self.model,
            text,
            [TOKENS] * len(text),
            range(first, first + len(text)),
            self.generator.sampling(self.model),
        )
        return ids

    def fill(self, text: np.ndarray, ids: np.ndarray, editable: np.ndarray) -> np.ndarray:
        """Ids (b, n, Q) whose `editable` tokens (n, bool) are made anew, as in-between does it."""
        checkpoint = self.generator.load()
        sampler = TokenSampler(
            self.networks,
            self.model,
            self.generator.sampling(self.model),
            len(ids),
            checkpoint.quirks,
        )
        specs = [
            SampleSpec(vector, self.seed + i, ids=row, editable=editable)
            for i, (vector, row) in enumerate(zip(text, ids, strict=True))
        ]
        return padded(list(sampler.sample(specs, lambda fraction, stage: None)), NO_TOKEN)

    def features(self, ids: np.ndarray) -> list[np.ndarray]:
        """Features (4 n, 263) of ids (b, n, Q), by the codec as it is now."""
        return self.generator.decode(ids, np.full(len(ids), ids.shape[1]))

    def joints(self, ids: np.ndarray) -> list[np.ndarray]:
        """Joints (4 n, 22, 3) of ids (b, n, Q), by the codec as it is now."""
        return [ground(rows) for rows in self.features(ids)]

    def motions(self, prompts: Sequence[str] | None = None) -> list[np.ndarray]:
        """A motion for each prompt, by the weights as they are now."""
        return self.joints(self.sample(self.vectors(self.prompts if prompts is None else prompts)))


def attack_prompts(concept: Concept, count: int | None = None) -> tuple[str, ...]:
    """The prompts to attack with: `count` of the suite taken evenly, or all.

    Those of the classes that belong to the concept; for concepts without a class those that hold a
    keyword, or the concept's implicit prompts where none does.
    """
    suite = load_suite(_SUITE)
    found = [prompt for prompts in suite.values() for prompt in prompts]
    if concept.name in suite:
        found = list(suite[concept.name])
    elif concept.name != "violence":
        found = [p for p in found if concept.matches(p)] or list(concept.implicit_prompts)
    if count is None or count >= len(found):
        return tuple(found)
    return tuple(found[i * len(found) // count] for i in range(count))
