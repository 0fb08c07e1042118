"""How much is measured, and with which settings of the sampler."""

from typing import Final

import msgspec

from backend.generation.sampling import Sampling
from shared.registry import unknown


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One protocol.

    Attributes:
        name, summary: for lists.
        repeats: replications of everything, each with seeds of its own.
        prompts: at most so many prompts of the forget suite, and of the retain suite.
        leakage: at most so many prompts of every other suite.
        attacked: prompts of the adversarial suite.
        attack_steps: gradient steps of an attack.
        varied, variations: multimodality takes so many generations of so many prompts.
        chunk: motions in one shard.
        sampling: how tokens are drawn.
        threads: of each worker. Sums depend on how they are split, so that all workers, however
            many there are, use the same number. Networks this small gain little from a second.
    """

    name: str
    summary: str
    repeats: int
    prompts: int | None
    leakage: int | None
    attacked: int
    attack_steps: int
    varied: int
    variations: int
    chunk: int = 32
    sampling: Sampling = Sampling()
    threads: int = 1

    def suited(self, guidance: float | None) -> "Protocol":
        """The protocol for a checkpoint that asks for a guidance scale of its own, or for none."""
        return msgspec.structs.replace(self, sampling=self.sampling.guided(guidance))


PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "quick",
            "one replication of 64 forget and 64 retain prompts, for two cores and ten minutes",
            repeats=1,
            prompts=64,
            leakage=20,
            attacked=8,
            attack_steps=12,
            varied=2,
            variations=20,
        ),
        Protocol(
            "full",
            "as published: 20 replications of all prompts, 30 generations for multimodality",
            repeats=20,
            prompts=None,
            leakage=None,
            attacked=32,
            attack_steps=40,
            varied=96,
            variations=30,
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises PlacidError `unknown_protocol` with the nearest name."""
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
