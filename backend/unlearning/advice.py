"""The commands that error messages advise: for the checkpoint and the concept that are meant."""

import shlex
from pathlib import Path

from backend.checkpoints.loading import EMBEDDED
from backend.unlearning.concept import Concept, builtin_concepts


def unlearn_command(
    *words: str, concept: Concept | str = "", model: str = "", checkpoint: Path | None = None
) -> str:
    """`backend unlearn WORDS` as it is typed into a shell, quoted where it must be.

    Args:
        concept: or what the user typed for it; nothing for a command that is about none.
        checkpoint: its folder; the embedded one, which is the default, is not named.
    """
    parts = ["backend", "unlearn", *words]
    if concept:
        parts += ["--concept", concept if isinstance(concept, str) else typed(concept)]
    if model:
        parts += ["--model", model]
    if checkpoint is not None and checkpoint != EMBEDDED:
        parts += ["--checkpoints", str(checkpoint)]
    return shlex.join(parts)


def typed(concept: Concept) -> str:
    """What to type for a concept: its name, or its keywords with a comma."""
    if builtin_concepts().get(concept.name) == concept:
        return concept.name
    return ", ".join(concept.keywords) + ","
