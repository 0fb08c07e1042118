"""`backend actions`: what the model knows, with a prompt for each action."""

from typing import Annotated

import typer

from backend.commands.options import Checkpoints


def actions(
    words: Annotated[
        list[str] | None, typer.Argument(help="Only actions that have all of these words.")
    ] = None,
    checkpoints: Checkpoints = None,
) -> None:
    """List the actions that the model was trained on, each with a prompt that asks for it."""
    from backend.assets import ASSETS
    from backend.text.known_actions import KNOWN_FILE, KnownActions
    from shared.errors import PlacidError

    path = (checkpoints or ASSETS / "embedded") / KNOWN_FILE
    if not path.exists():
        raise PlacidError(
            "no_known_actions",
            f"{path.parent} does not say what its model knows; for networks that you trained, "
            "`backend train known` makes the list",
        )
    wanted = [word.lower() for word in words or ()]
    found = [
        action
        for action in KnownActions.load(path).actions
        if all(word in f"{action.name} {action.example}".lower() for word in wanted)
    ]
    if not found:
        raise PlacidError(
            "unknown_action",
            f"the model knows no action with {' and '.join(map(repr, wanted))}; run `backend "
            "actions` for all of them",
        )
    for action in found:
        print(f"{action.name:<32} {action.example}")
