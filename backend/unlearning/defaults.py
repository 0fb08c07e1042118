"""The default method, from `backend/assets/defaults.toml`: one line for every way in."""

from functools import cache
from typing import Final

import msgspec

from backend.assets import ASSETS
from backend.unlearning.registry import find_methods
from shared.decoding.text import decode_toml
from shared.safety_choice import OFF, split_guard

_FILE: Final = ASSETS / "defaults.toml"


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done where nobody says otherwise.

    Attributes:
        safety: the method; see `shared.safety_choice`.
        otherwise: edits that take its place, in this order, where it has none and can make none.
    """

    safety: str
    otherwise: tuple[str, ...]

    def __post_init__(self) -> None:
        # Safety is off only when somebody says so.
        for method in (split_guard(self.safety)[0], *self.otherwise):
            if method == OFF:
                raise ValueError(f"the default cannot be {OFF!r}")
            if method:
                find_methods(method)


@cache
def defaults() -> Defaults:
    """The defaults that ship."""
    return decode_toml(_FILE.read_text(encoding="utf-8"), Defaults)
