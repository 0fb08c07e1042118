"""The token guard for a request: which concepts it can watch for, by the limits that are there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from backend.checkpoints.loading import Checkpoint
from backend.generation.token_guard import TokenGuard
from backend.text.encoding import TextEncoder
from backend.unlearning.advice import unlearn_command
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.fit import statistics_folders
from backend.unlearning.guard_limits import find_limits, guard_folders
from backend.unlearning.watched_concept import WatchedConcept, watch
from shared.errors import PlacidError
from shared.safety_choice import TOKEN_GUARD

# So many concepts are kept with the vectors of their captions: 2 MB each.
_KEPT: Final = 16


class GuardStore:
    """Finds limits for one checkpoint's folder, and keeps what was gathered for them."""

    def __init__(self, folder: Path) -> None:
        """Look beside a checkpoint; for the embedded one among what ships and in the user's data.

        Args:
            folder: of the checkpoint.
        """
        self._folder = folder
        self._watched: dict[tuple[object, ...], WatchedConcept] = {}

    def has(self, checkpoint: Checkpoint, model: str, concept: str) -> bool:
        """Whether the guard can watch for a concept in what a model draws."""
        wanted = find_concept(concept)
        return find_limits(checkpoint, model, wanted, guard_folders(self._folder)) is not None

    def find(
        self,
        checkpoint: Checkpoint,
        encoder: TextEncoder,
        model: str,
        concepts: Sequence[str],
        go_on: Callable[[], None] = lambda: None,
    ) -> TokenGuard:
        """A guard for those of the concepts that have limits.

        Args:
            go_on: called before each concept; what it raises ends the search.

        Raises:
            PlacidError: `no_token_guard` where none of them has; what is damaged.
        """
        watched = []
        for text in concepts:
            go_on()
            concept = find_concept(text)
            if (found := self._watch(checkpoint, encoder, model, concept)) is not None:
                watched.append(found)
        if not watched:
            told = " and ".join(map(repr, concepts))
            make = unlearn_command(
                TOKEN_GUARD, concept=concepts[0], model=model, checkpoint=self._folder
            )
            raise PlacidError(
                "no_token_guard",
                f"the token guard has no limits for {told} with this {model}; find them with "
                f"`{make}`, or leave the token guard out",
            )
        return TokenGuard(watched)

    def _watch(
        self, checkpoint: Checkpoint, encoder: TextEncoder, model: str, concept: Concept
    ) -> WatchedConcept | None:
        limits = find_limits(checkpoint, model, concept, guard_folders(self._folder))
        if limits is None:
            return None
        key = (concept.key, msgspec.json.encode(limits))
        if key not in self._watched:
            while len(self._watched) >= _KEPT:
                self._watched.pop(next(iter(self._watched)))
            folders = statistics_folders(self._folder)
            self._watched[key] = watch(encoder, concept, limits, folders)
        return self._watched[key]
