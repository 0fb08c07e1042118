"""The names of what keeps a motion safe: edits of weights and the token guard, joined by a plus.

`lcr`, `lcr+uce`, `token_guard` (the guard alone), `lcr+token_guard`; `off` stands alone.
"""

from typing import Final

from .errors import PlacidError

OFF: Final = "off"
JOIN: Final = "+"
TOKEN_GUARD: Final = "token_guard"


def split_guard(method: str) -> tuple[str, bool]:
    """The part of a method that edits weights, empty for the guard alone; and whether it guards."""
    parts = method.split(JOIN)
    weights = JOIN.join(part for part in parts if part != TOKEN_GUARD)
    return weights, TOKEN_GUARD in parts


def with_guard(method: str, guard: bool | None) -> str:
    """The method with the token guard switched on or off; None leaves it as the name says.

    Raises PlacidError `bad_request` for a guard without safety, and where nothing would be left.
    """
    weights, named = split_guard(method)
    if weights == OFF and (named or guard):
        raise PlacidError(
            "bad_request",
            f"safety {OFF!r} takes the token guard away too; for the guard without an edit choose "
            f"safety {TOKEN_GUARD!r}",
        )
    if guard is None or guard == named:
        return method
    if guard:
        return f"{method}{JOIN}{TOKEN_GUARD}"
    if not weights:
        raise PlacidError(
            "bad_request",
            f"safety {TOKEN_GUARD!r} without the token guard leaves nothing; choose a method, or "
            f"safety {OFF!r} yourself",
        )
    return weights
