"""The table of attacks: who brings how much back, judged by any number of judges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend.evaluation.attacks.registry import Attack, Trial
from backend.evaluation.attacks.target import Target
from backend.evaluation.judges import Judge
from backend.evaluation.metrics.comparison import Share

# What every attack is to be held against.
BEFORE: Final = "none"


@dataclass(frozen=True)
class Row:
    """Motions of one trial that a judge sees a strike in.

    Attributes:
        attack, setting: what was done; `BEFORE` for the prompts as they are.
        motions: how many were judged.
        clear, any_tier: by judge, how many show a clear strike, and how many one of any tier.
    """

    attack: str
    setting: str
    motions: int
    clear: dict[str, int]
    any_tier: dict[str, int]


def attack_rows(
    target: Target, attacks: Sequence[Attack], judges: Sequence[Judge]
) -> Iterator[Row]:
    """The prompts without an attack first, then every attack's trials, each as soon as made."""
    target.apply()
    yield _judged(BEFORE, Trial("the prompts as they are", target.motions()), judges)
    for attack in attacks:
        for trial in attack.run(target):
            yield _judged(attack.name, trial, judges)
    target.revert()


def heading(judges: Sequence[Judge]) -> tuple[str, str]:
    """The first two lines of the Markdown table."""
    names = [f"{judge.name}: any strike (95 %) | {judge.name}: clear (95 %)" for judge in judges]
    columns = ["model", "method", "attack", "setting", *names]
    return f"| {' | '.join(columns)} |", "|---|---|---|---|" + "---:|---:|" * len(judges)


def line(model: str, method: str, row: Row) -> str:
    """A row in Markdown, with Wilson intervals."""
    cells = [model, method, row.attack, row.setting]
    for judge, count in row.any_tier.items():
        cells.append(Share(count, row.motions).sentence)
        cells.append(Share(row.clear[judge], row.motions).sentence)
    return f"| {' | '.join(cells)} |"


def _judged(attack: str, trial: Trial, judges: Sequence[Judge]) -> Row:
    verdicts = {judge.name: [judge(joints) for joints in trial.motions] for judge in judges}
    return Row(
        attack,
        trial.setting,
        len(trial.motions),
        {name: sum(v.at_least("clear") for v in found) for name, found in verdicts.items()},
        {name: sum(v.at_least("softened") for v in found) for name, found in verdicts.items()},
    )
