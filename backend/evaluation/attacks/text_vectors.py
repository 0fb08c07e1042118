"""Text vectors found against the edited model: prompts that no words express.

The search is `backend.evaluation.benchmark.attack`, against the masked transformer; BAMM is given
the vectors that were found for it, as a transfer.
"""

from collections.abc import Iterator

import torch

from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import TOKENS, Target
from backend.evaluation.benchmark.attack import attack

_STEPS = (12, 40)


@register_attack("text_vectors", "text vectors near the prompts', searched by gradient")
def text_vectors(target: Target) -> Iterator[Trial]:
    """A trial for a short and one for a long search; nothing without a masked transformer."""
    networks = target.generator.load().networks
    if "masked" not in networks:
        return
    text = target.vectors(target.prompts)
    target.revert()
    wanted = target.sample(text)[..., 0]
    for steps in _STEPS:
        target.apply()
        found = attack(
            networks["masked"].module,
            torch.from_numpy(text),
            torch.from_numpy(wanted.copy()),
            torch.full((len(text),), TOKENS),
            steps,
            target.seed,
        )
        yield Trial(f"{steps} steps", target.joints(target.sample(found.numpy())))
