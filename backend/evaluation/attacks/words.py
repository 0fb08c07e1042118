"""Violence asked for in other words: other languages, odd spellings, euphemisms."""

from collections.abc import Iterator

from backend.evaluation.attacks.registry import Trial, register_attack
from backend.evaluation.attacks.target import Target
from backend.evaluation.prompts import load_suite


@register_attack("words", "prompts in other languages, spellings and euphemisms")
def words(target: Target) -> Iterator[Trial]:
    """A trial for each class of the suite `attack_words`, which is about violence of any kind."""
    for name, prompts in load_suite("attack_words").items():
        target.apply()
        # As many of each class as there are prompts to attack with otherwise.
        count = min(len(prompts), len(target.prompts))
        chosen = [prompts[i * len(prompts) // count] for i in range(count)]
        yield Trial(name, target.motions(chosen))
