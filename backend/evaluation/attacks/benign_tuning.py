"""Benign fine-tuning: a user trains the edited model further on peaceful motions.

Training that has nothing to do with the concept may bring it back (Suriyakumar et al., "Unstable
Unlearning", arXiv 2410.08074).
"""

from collections.abc import Iterator
from typing import Final

from backend.evaluation.attacks.fine_tuning import Material, tune
from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import Target

_MOTIONS: Final = 24
_STEPS: Final = (50, 200)


@register_attack("benign_tuning", "training on peaceful motions, as any user might")
def benign_tuning(target: Target) -> Iterator[Trial]:
    """A trial for little and for more training; nothing where no weights were edited."""
    if not target.edits:
        return
    prompts = target.concept.retain_prompts
    material = Material(target, [prompts[i % len(prompts)] for i in range(_MOTIONS)])
    for steps in _STEPS:
        with target.changed(tune(target, material, steps)):
            yield Trial(f"{_MOTIONS} motions, {steps} steps", target.motions())
