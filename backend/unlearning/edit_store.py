"""The safety edits at hand: which there are, and applying the right ones for a request."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import platformdirs
from torch import nn

from backend.assets import ASSETS
from backend.checkpoints.loading import EMBEDDED
from backend.unlearning.composition import JOIN
from backend.unlearning.concept import builtin_concepts, find_concept
from backend.unlearning.edit import Applied, Edit, apply_edits
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS
from shared.errors import PlacidError
from shared.protocol.messages import Choice

EDITS: Final = ASSETS / "edits"
OFF: Final = "off"
# The method that leaves the fewest strikes for the least change of safe prompts in the table of
# `backend unlearn compare`; docs/model_card.md has the figures.
DEFAULT_METHOD: Final = "lcr"
# The default for concepts that the default method has no edit for and cannot make one.
_FOR_TYPED: Final = "uce"
# Combinations that front ends offer; requests may join any methods.
_COMBINED: Final = ("lcr+uce",)
# How many edits for typed concepts are kept; one of UCE takes 0.6 MB.
_KEPT: Final = 32
_DESCRIPTIONS: Final = {
    "lcr": "Latent Code Replacement: the motion codes of the concept give way to safe ones",
    "uce": "Unified Concept Editing: the text projection maps the concept's words to safe motion",
    "rece": "Reliable Concept Erasure: UCE repeated against the words that would bring it back",
    "finetune": "Fine-tuning: the networks trained on, without motions of the concept",
    "retrain": "D_r: the networks trained anew without motions of the concept, for comparison",
    "lcr+uce": "LCR and UCE together: codes and words both give way",
    "off": "No unlearning: violent motions can be generated",
}

# (model, method, concept as named in the request) -> the edit.
Fit = Callable[[str, str, str], Edit]


def edit_file(model: str, method: str, concept: str) -> str:
    """File name of an edit inside an edits folder."""
    return f"{model}-{method}-{concept}.safetensors"


def edit_folders(checkpoint: Path) -> tuple[Path, ...]:
    """Where the edits of a checkpoint lie; a later folder's edit takes an earlier one's place.

    The last is the place for new ones: beside the checkpoint, or for the embedded one in the
    user's data folder.
    """
    if checkpoint == EMBEDDED:
        return EDITS, platformdirs.user_data_path("placid") / "edits"
    return (checkpoint / "edits",)


class EditStore:
    """Edits in folders, found by model, method and concept, and at most one set applied.

    Args:
        folders: with edits, see `edit_file`.
        fit: makes an edit that no file holds; without it only files count.
    """

    def __init__(self, folders: Iterable[Path] = (EDITS,), fit: Fit | None = None) -> None:
        self._folders = tuple(folders)
        self._fit = fit
        self._loaded: dict[tuple[Path, int], Edit] = {}
        self._fitted: dict[tuple[str, str, str], Edit] = {}
        self._key: tuple[object, ...] | None = None
        self._applied: Applied | None = None

    def fit_with(self, fit: Fit) -> None:
        """Make edits that no file holds with `fit`; see `Fit`."""
        self._fit = fit

    def files(self) -> dict[tuple[str, str, str], Path]:
        """Model, method and concept of every edit file, as they lie in the folders now."""
        found = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*-*-*.safetensors")):
                model, method, concept = path.stem.split("-", 2)
                found[model, method, concept] = path
        return found

    def methods(self) -> tuple[Choice, ...]:
        """The methods that have an edit or can make one, and `off`."""
        names = {method for _, method, _ in self.files()} | set(self.typed_methods())
        names |= {name for name in _COMBINED if set(name.split(JOIN)) <= names}
        return tuple(Choice(name, _DESCRIPTIONS.get(name, name)) for name in [*sorted(names), OFF])

    def typed_methods(self) -> tuple[str, ...]:
        """The methods that forget any concept on request: those that need its words alone."""
        if self._fit is None:
            return ()
        return tuple(sorted(name for name, method in METHODS.items() if method.data == "text"))

    def concepts(self) -> tuple[Choice, ...]:
        """The concepts that have an edit; with `fit`, also all that come with Placid."""
        builtin = builtin_concepts()
        names = {concept for _, _, concept in self.files()}
        names |= set(builtin) if self._fit else set()
        return tuple(
            Choice(name, builtin[name].description if name in builtin else f"forget {name}")
            for name in sorted(names, key=lambda name: (name != "violence", name))
        )

    def default_method(self, concepts: Sequence[str] = ("violence",)) -> str:
        """The method for requests that name none; `off` where there is no edit at all."""
        files = self.files()
        methods = {method for _, method, _ in files}
        if not methods:
            return OFF
        default = DEFAULT_METHOD if DEFAULT_METHOD in methods else sorted(methods)[0]
        parts = default.split(JOIN)
        has_file = all(
            any((method, name) == (part, concept) for _, method, name in files)
            for part in parts
            for concept in concepts
        )
        if has_file or self._fit is None or set(parts) <= set(self.typed_methods()):
            return default
        return _FOR_TYPED

    def find(self, model: str, method: str, concepts: Sequence[str]) -> list[Edit]:
        """The edits for concepts, in their order; none for `off`.

        Methods joined by a plus give their edits one after the other. What no file holds is fitted
        and kept; the networks are reverted for that.

        Raises:
            PlacidError: `unknown_method` when there is no such edit for this model and none can be
                made, `unknown_concept` when nobody knows the concept, `damaged_edit` when a file
                cannot be read.
        """
        if method == OFF:
            return []
        return [
            self._edit(model, part, concept) for part in method.split(JOIN) for concept in concepts
        ]

    def _edit(self, model: str, method: str, text: str) -> Edit:
        files = self.files()
        path = files.get((model, method, text)) or files.get((model, method, _name(text)))
        if path is not None:
            return self._load(path)
        if self._fit is None or method not in METHODS or METHODS[method].data == "motions":
            there = sorted({m for mo, m, c in files if (mo, c) == (model, text)})
            raise PlacidError(
                "unknown_method",
                f"there is no {method} edit of {model} for {text!r} (there is: "
                f"{', '.join(there) or 'none'}); make one with `backend unlearn {method} "
                f"--model {model} --concept {text!r}`",
            )
        key = (model, method, text)
        if key not in self._fitted:
            # An edit is made against the base, not against another edit.
            self.revert()
            try:
                edit = self._fit(*key)
            except UnlearningError as error:
                raise PlacidError("unknown_method", str(error)) from error
            while len(self._fitted) >= _KEPT:
                self._fitted.pop(next(iter(self._fitted)))
            self._fitted[key] = edit
        return self._fitted[key]

    def _load(self, path: Path) -> Edit:
        try:
            key = (path, path.stat().st_mtime_ns)
            if key not in self._loaded:
                self._loaded[key] = Edit.load(path)
        except (UnlearningError, OSError) as error:
            raise PlacidError("damaged_edit", str(error)) from error
        return self._loaded[key]

    def activate(
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


def _name(text: str) -> str:
    """The concept's own name behind a typed concept, a file or another name for it."""
    try:
        return find_concept(text).name
    except UnlearningError as error:
        raise PlacidError("unknown_concept", str(error)) from error
