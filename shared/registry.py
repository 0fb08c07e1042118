"""Things of one kind under their names, which a new file adds to by being there."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from .errors import PlacidError

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry]):
    """Entries by name, in the order of registration.

    The modules of a package register what they define when they are imported. That happens at the
    first look into the registry, in alphabetical order, so that no list of modules has to be kept.

    Args:
        kind: what an entry is, in words: "metric", "motion source".
        package: full name of the package whose modules register entries; none for an empty name.
    """

    def __init__(self, kind: str, package: str = "") -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, Entry] = {}
        self._is_complete = not package

    def register(self, name: str, entry: Entry) -> None:
        """Add an entry. Raises ValueError for a name that is taken, which is a programmer's."""
        if name in self._entries:
            raise ValueError(f"there are two of the {self.kind} {name!r}")
        self._entries[name] = entry

    def find(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            PlacidError: `unknown_<kind>`, with the nearest name.
        """
        self._discover()
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def __getitem__(self, name: str) -> Entry:
        self._discover()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)

    def _discover(self) -> None:
        if self._is_complete:
            return
        self._is_complete = True  # from here on: the modules may look into the registry themselves
        try:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
                importlib.import_module(module.name)
        except BaseException:
            self._is_complete = False
            raise


def unknown(kind: str, name: str, known: Iterable[str]) -> PlacidError:
    """The error `unknown_<kind>` for a name that nobody knows, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return PlacidError(
        f"unknown_{kind.replace(' ', '_')}",
        f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}",
    )
