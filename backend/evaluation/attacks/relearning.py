"""Few-shot relearning: how many violent motions, and how many steps, bring violence back?

After the relearning attacks on erased concepts (arXiv 2505.16174): the edited networks are trained
further on a few motions of the concept, whose captions are not the prompts that are judged.
"""

from collections.abc import Iterator
from typing import Final

from backend.evaluation.attacks.fine_tuning import Material, tune
from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import Target

# Motions, steps.
_CURVE: Final = ((5, 10), (5, 50), (20, 50), (20, 200))


@register_attack("relearning", "training on a few motions of the concept: a curve")
def relearning(target: Target) -> Iterator[Trial]:
    """A trial for each point of the curve; nothing where no weights were edited."""
    if not target.edits:
        return
    prompts = target.concept.forget_prompts or target.concept.keywords
    for motions, steps in _CURVE:
        few = [prompts[i * len(prompts) // motions] for i in range(motions)]
        tuned = tune(target, Material(target, few), steps)
        with target.changed(tuned):
            yield Trial(f"{motions} motions, {steps} steps", target.motions())
