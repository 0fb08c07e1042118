"""What safety edits changed, in words for people: what the weights show, not what was asked for."""

from collections.abc import Sequence
from typing import Final

from backend.unlearning.application import Effect, NetworkEffect
from shared.motion.safety import NOTHING, WHOLE, EditRecord

_NETWORKS: Final = {
    "rvq": "the decoder",
    "masked": "the network that plans the motion",
    "residual": "the network that adds detail",
    "bamm": "the network that plans the motion",
}


def summarise(effects: Sequence[Effect]) -> list[str]:
    """One line for each network that each edit touches, such as "violence: 16 motion codes ..."."""
    lines = []
    for effect in effects:
        concept = effect.edit.concept
        if effect.share < NOTHING:
            lines.append(f"{concept}: nothing is forgotten, at strength {effect.strength:g}")
            continue
        lines += [f"{concept}: {_change(network, effect)}" for network in effect.networks]
    return lines


def records(effects: Sequence[Effect]) -> list[EditRecord]:
    """The edits in force, as results name them."""
    return [
        EditRecord(
            effect.edit.method, effect.edit.concept, effect.edit.hash, round(effect.share, 4)
        )
        for effect in effects
    ]


def _change(network: NetworkEffect, effect: Effect) -> str:
    place = _NETWORKS.get(network.network, network.network)
    if network.rows is not None and network.network == "rvq":
        if WHOLE <= effect.share <= 2 - WHOLE:
            return f"{_count(network.rows, 'motion code')} of {place} replaced"
        moved = f"{_count(network.rows, 'motion code')} of {place} moved {effect.share:.0%}"
        return f"{moved} of the way to what replaces it"
    change = network.relative_change
    share = f"{change:.0%}" if change >= NOTHING else f"{change:.1%}"
    return f"{_count(network.arrays, 'tensor')} of {place} changed by {share}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
