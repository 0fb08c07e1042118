"""The safety edits at hand: which there are, and applying the right ones for a request."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import nn

from backend.unlearning.edit import Applied, Edit, apply_edits
from backend.unlearning.errors import UnlearningError
from shared.errors import PlacidError
from shared.protocol import Choice

EDITS: Final = Path(__file__).parent / "assets" / "edits"
OFF: Final = "off"
DEFAULT_METHOD: Final = "uce"
_DESCRIPTIONS: Final = {
    "lcr": "Latent Code Replacement: the motion codes of the concept give way to safe ones",
    "uce": "Unified Concept Editing: the text projection maps the concept's words to safe motion",
    "rece": "Reliable Concept Erasure: UCE repeated against the words that would bring it back",
    "off": "No unlearning: violent motions can be generated",
}


def edit_file(model: str, method: str, concept: str) -> str:
    """File name of an edit inside an edits folder."""
    return f"{model}-{method}-{concept}.safetensors"


class EditShelf:
    """Edits in folders, found by model, method and concept, and at most one set applied."""

    def __init__(self, folders: Iterable[Path] = (EDITS,)) -> None:
        self._files: dict[tuple[str, str, str], Path] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.safetensors")):
                model, method, concept = path.stem.split("-", 2)
                self._files[model, method, concept] = path
        self._loaded: dict[Path, Edit] = {}
        self._key: tuple[object, ...] | None = None
        self._applied: Applied | None = None

    def methods(self) -> tuple[Choice, ...]:
        """The methods that have an edit, and `off`."""
        names = [*sorted({method for _, method, _ in self._files}), OFF]
        return tuple(Choice(name, _DESCRIPTIONS.get(name, name)) for name in names)

    def concepts(self) -> tuple[Choice, ...]:
        """The concepts that have an edit."""
        names = sorted(
            {concept for _, _, concept in self._files}, key=lambda c: (c != "violence", c)
        )
        return tuple(
            Choice(name, f"forget {name}")
            for name in sorted(names, key=lambda name: (name != "violence", name))
        )

    def default_method(self) -> str:
        """The method for requests that name none."""
        methods = {method for _, method, _ in self._files}
        if DEFAULT_METHOD in methods or not methods:
            return DEFAULT_METHOD if methods else OFF
        return sorted(methods)[0]

    def find(self, model: str, method: str, concepts: Sequence[str]) -> list[Edit]:
        """The edits for concepts, in their order; none for `off`.

        Raises:
            PlacidError: `unknown_method` when there is no such edit for this model, `damaged_edit`
                when its file cannot be read.
        """
        if method == OFF:
            return []
        edits = []
        for concept in concepts:
            path = self._files.get((model, method, concept))
            if path is None:
                there = sorted({m for mo, m, c in self._files if (mo, c) == (model, concept)})
                raise PlacidError(
                    "unknown_method",
                    f"there is no {method} edit of {model} for {concept!r} (there is: "
                    f"{', '.join(there) or 'none'}); make one with `backend unlearn {method} "
                    f"--model {model} --concept {concept}`",
                )
            if path not in self._loaded:
                try:
                    self._loaded[path] = Edit.load(path)
                except UnlearningError as error:
                    raise PlacidError("damaged_edit", str(error)) from error
            edits.append(self._loaded[path])
        return edits

    def use(
        self, networks: Mapping[str, nn.Module], edits: Sequence[Edit], strength: float
    ) -> None:
        """Leave exactly these edits applied to the networks.

        Raises:
            PlacidError: `foreign_edit` when an edit was made for other weights.
        """
        key = (id(networks), strength, *map(id, edits))
        if key == self._key:
            return
        self.revert()
        if edits:
            try:
                self._applied = apply_edits([(edit, strength) for edit in edits], networks)
            except UnlearningError as error:
                raise PlacidError("foreign_edit", str(error)) from error
        self._key = key

    def revert(self) -> None:
        """Take back what is applied; the networks are as they were, bit for bit."""
        if self._applied is not None:
            self._applied.revert()
        self._applied, self._key = None, None
