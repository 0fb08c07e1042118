"""The safety edits at hand: which there are, and applying the right ones for a request."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from backend.assets import ASSETS, user_data_folder
from backend.checkpoints.loading import EMBEDDED
from backend.unlearning.advice import unlearn_command
from backend.unlearning.application import Applied, Effect, apply_edits
from backend.unlearning.concept import Concept, builtin_concepts, find_concept
from backend.unlearning.defaults import defaults
from backend.unlearning.edit import Edit
from backend.unlearning.edit_identity import check_identity
from backend.unlearning.edit_name import JOIN, SUFFIX, EditName
from backend.unlearning.errors import UnlearningError
from backend.unlearning.manifest import check_listed, read_manifest
from backend.unlearning.registry import METHODS
from backend.unlearning.weights import EditableNetworks
from shared.concepts import VIOLENCE
from shared.errors import PlacidError
from shared.protocol.messages import Choice
from shared.safety_choice import OFF, split_guard

EDITS: Final = ASSETS / "edits"
# Combinations that front ends offer; requests may join any methods.
_COMBINED: Final = ("lcr+uce",)
# How many edits for typed concepts are kept; one of UCE takes 0.6 MB.
_KEPT: Final = 32
# Nanoseconds; file systems tell times in steps of up to 2 s (FAT).
_SETTLED: Final = 3_000_000_000
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


def edit_folders(checkpoint: Path) -> tuple[Path, ...]:
    """Where the edits of a checkpoint lie; an earlier folder's edit comes first.

    The last is the place for new ones: beside the checkpoint, or for the embedded one in the
    user's data folder, where they stand behind those that ship.
    """
    if checkpoint == EMBEDDED:
        return EDITS, user_data_folder() / "edits"
    return (checkpoint / "edits",)


def _changed(folder: Path) -> int:
    """When a name in the folder changed last, in nanoseconds; 0 for no folder."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def do_nothing() -> None:
    """What is called between fits when nobody wants to stop them."""


class EditStore:
    """Edits in folders, found by model, method and concept, and at most one set applied.

    Of edits of one name the first folder's counts, so that no file in a user's folder takes the
    place of one that ships. A folder with a manifest holds what that lists and nothing else.

    Args:
        folders: with edits, see `EditName`.
        fit: makes an edit that no file holds; without it only files count.
        checkpoint: whose edits they are, for what errors advise; the embedded one if None.
    """

    def __init__(
        self,
        folders: Iterable[Path] = (EDITS,),
        fit: Fit | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        self._folders = tuple(folders)
        self._checkpoint = checkpoint
        self._fit = fit
        self._loaded: dict[tuple[Path, int, int], Edit] = {}
        self._fitted: dict[tuple[str, str, str], Edit] = {}
        self._key: tuple[object, ...] | None = None
        self._applied: Applied | None = None
        self._listed: list[tuple[EditName, Path]] | None = None
        self._listed_at: tuple[int, ...] | None = None

    def fit_with(self, fit: Fit) -> None:
        """Make edits that no file holds with `fit`; see `Fit`."""
        self._fit = fit

    def files(self) -> dict[EditName, Path]:
        """Every edit file that counts, as they lie in the folders now."""
        found: dict[EditName, Path] = {}
        for name, path in self._all_files():
            found.setdefault(name, path)
        return found

    def unused(self) -> dict[Path, Path]:
        """Files that do not count -> the file of that name in an earlier folder."""
        files = self.files()
        return {path: files[name] for name, path in self._all_files() if files[name] != path}

    def _all_files(self) -> list[tuple[EditName, Path]]:
        """Every edit file; a request asks several times, so folders are read when they change."""
        changed = tuple(_changed(folder) for folder in self._folders)
        if self._listed is None or changed != self._listed_at:
            self._listed = [
                (name, path)
                for folder in self._folders
                for path in sorted(folder.glob(f"*{SUFFIX}"))
                if (name := EditName.parse(path.name)) is not None
            ]
            # A folder that changed just now may change again without looking later.
            is_settled = time.time_ns() - max(changed, default=0) > _SETTLED
            self._listed_at = changed if is_settled else None
        return self._listed

    def methods(self) -> tuple[Choice, ...]:
        """The methods that have an edit or can make one, and `off`."""
        names = {name.method for name in self.files()} | set(self.typed_methods())
        names |= {
            name
            for name in (*_COMBINED, split_guard(defaults().safety)[0])
            if set(name.split(JOIN)) <= names
        }
        names.discard("")
        known = [name for name in sorted(names) if set(name.split(JOIN)) <= set(METHODS)]
        return tuple(Choice(name, _DESCRIPTIONS.get(name, name)) for name in [*known, OFF])

    def typed_methods(self) -> tuple[str, ...]:
        """The methods that forget any concept on request: those that need its words alone."""
        if self._fit is None:
            return ()
        return tuple(
            sorted(n for n, method in METHODS.items() if method.data == "text" and method.offered)
        )

    def concepts(self) -> tuple[Choice, ...]:
        """The concepts that have an edit; with `fit`, also all that come with Placid."""
        builtin = builtin_concepts()
        names = {name.concept for name in self.files()}
        names |= set(builtin) if self._fit else set()
        return tuple(
            Choice(name, builtin[name].description if name in builtin else f"forget {name}")
            for name in sorted(names, key=lambda name: (name != VIOLENCE, name))
        )

    def default_method(self, model: str, concepts: Sequence[str] = (VIOLENCE,)) -> str:
        """The edits for requests that name no method; empty where the default is a guard alone.

        Raises:
            PlacidError: `no_safe_edit` where no method that is meant for it has an edit of every
                concept or can make one. Safety is off only when somebody says so.
        """
        files = self.files()
        wanted, _ = split_guard(defaults().safety)
        if not wanted:
            return wanted
        for method in (wanted, *defaults().otherwise):
            if all(
                EditName(model, method, concept) in files
                or all(
                    part in self.typed_methods() or EditName(model, part, concept) in files
                    for part in method.split(JOIN)
                )
                for concept in concepts
            ):
                return method
        make = self._command("uce", concepts[0], model)
        raise PlacidError(
            "no_safe_edit",
            f"there is no edit of {model} by which {' and '.join(map(repr, concepts))} could be "
            f"forgotten; make one with `{make}`, or choose safety 'off' yourself",
        )

    def find(
        self,
        model: str,
        method: str,
        concepts: Sequence[str],
        go_on: Callable[[], None] = do_nothing,
    ) -> list[Edit]:
        """The edits for concepts, in their order; none for `off`.

        Methods joined by a plus have one edit where a file has just that name, and give their edits
        one after the other where none has. What no file holds is fitted and kept; the networks are
        reverted for that.

        Args:
            go_on: called before each edit; what it raises ends the search.

        Raises:
            PlacidError: `unknown_method` when there is no such edit for this model and none can be
                made, `unknown_concept` when nobody knows the concept, `damaged_edit` when a file
                cannot be read or is not the edit that its name says.
        """
        if method == OFF:
            return []
        files = self.files()
        joined = [EditName(model, method, concept) for concept in concepts]
        parts = [method] if all(name in files for name in joined) else method.split(JOIN)
        found = []
        for part in parts:
            for concept in concepts:
                go_on()
                found.append(self._edit(model, part, concept, files))
        return found

    def _edit(self, model: str, method: str, text: str, files: dict[EditName, Path]) -> Edit:
        builtin = builtin_concepts().get(text)
        name = EditName(model, method, text)
        # A name that only a file gives needs no concept behind it.
        concept = builtin if builtin or name in files else _concept(text)
        if concept is not None:
            name = EditName(model, method, concept.name)
        if name in files:
            edit = self._load(name, files[name])
            if concept is None or self._is_of(edit, concept, files[name]):
                return edit
        if self._fit is None or method not in METHODS or METHODS[method].data == "motions":
            there = sorted(n.method for n in files if (n.model, n.concept) == (model, text))
            raise PlacidError(
                "unknown_method",
                f"there is no {method} edit of {model} for {text!r} (there is: "
                f"{', '.join(there) or 'none'}); make one with "
                f"`{self._command(method, text, model)}`",
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

    def _command(self, method: str, concept: str, model: str) -> str:
        """What to type for an edit that is not there."""
        return unlearn_command(method, concept=concept, model=model, checkpoint=self._checkpoint)

    def _is_of(self, edit: Edit, concept: Concept, path: Path) -> bool:
        """Whether a file's edit forgets this concept, and not another one of the same name."""
        keywords = edit.provenance.get("keywords")
        if keywords is None:
            return builtin_concepts().get(concept.name) == concept
        return read_manifest(path.parent) is not None or list(concept.keywords) == keywords

    def _load(self, name: EditName, path: Path) -> Edit:
        try:
            state = path.stat()
            key = (path, state.st_mtime_ns, state.st_size)
            if key not in self._loaded:
                listed = read_manifest(path.parent)
                if listed is not None:
                    check_listed(path, listed)
                edit = Edit.load(path)
                check_identity(edit, name)
                self._loaded[key] = edit
        except (UnlearningError, OSError) as error:
            raise PlacidError("damaged_edit", str(error)) from error
        return self._loaded[key]

    def activate(
        self, networks: EditableNetworks, edits: Sequence[Edit], strength: float
    ) -> tuple[Effect, ...]:
        """Leave exactly these edits applied to the networks; says what they do there.

        Raises:
            PlacidError: `foreign_edit` when an edit was made for other weights, or does nothing;
                then none is applied.
        """
        key = (id(networks), strength, *(edit.hash for edit in edits))
        if key == self._key:
            return self.effects
        self.revert()
        if edits:
            try:
                self._applied = apply_edits([(edit, strength) for edit in edits], networks)
            except UnlearningError as error:
                raise PlacidError("foreign_edit", str(error)) from error
        self._key = key
        return self.effects

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the edits that are applied do."""
        return self._applied.effects if self._applied is not None else ()

    def revert(self) -> None:
        """Take back what is applied; the networks are as they were, bit for bit."""
        if self._applied is not None:
            self._applied.revert()
        self._applied, self._key = None, None


def _concept(text: str) -> Concept:
    """The concept behind a name, keywords or a file."""
    try:
        return find_concept(text)
    except UnlearningError as error:
        raise PlacidError("unknown_concept", str(error)) from error
