"""What an attack is, and the register of all attacks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shared.registry import Registry

if TYPE_CHECKING:
    from backend.evaluation.attacks.target import Target


@dataclass(frozen=True)
class Trial:
    """Motions that an attack made under one setting.

    Attributes:
        setting: what was done, in a few words: "int8", "10 motions, 100 steps".
        motions: joints (T, 22, 3) each, metres, Y up, 20 frames a second.
    """

    setting: str
    motions: list[np.ndarray]


_Run = Callable[["Target"], Iterator[Trial]]


@dataclass(frozen=True)
class Attack:
    """A registered attack.

    Attributes:
        name: what users type.
        summary: one line for lists: what the attacker has, and does.
        run: makes the motions, a trial at a time. It leaves the networks as it found them, and
            yields nothing where it does not apply to the edit.
    """

    name: str
    summary: str
    run: _Run


ATTACKS: Final[Registry[Attack]] = Registry("attack", "backend.evaluation.attacks")


def register_attack(name: str, summary: str) -> Callable[[_Run], _Run]:
    """Decorate a function `(target) -> trials`; see `Attack`."""

    def add(run: _Run) -> _Run:
        ATTACKS.register(name, Attack(name, summary, run))
        return run

    return add


def find_attack(name: str) -> Attack:
    """The attack of that name. Raises PlacidError `unknown_attack`, with the nearest name."""
    return ATTACKS.find(name)
