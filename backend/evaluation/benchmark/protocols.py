"""How much is measured, and with which settings of the sampler."""

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.generation.presets import DEFAULT, find_preset
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
        varied, variations: multimodality takes so many generations of so many prompts, in the
            first replication alone: they are replications themselves.
        chunk: motions in one shard.
        sampling: how tokens are drawn; see `sampled` for the published preset.
        threads: of each worker. Sums depend on how they are split, so that all workers, however
            many there are, use the same number. Networks this small gain little from a second.
        suites: those that are measured; all if empty.
        preset: of the samplers; `published` keeps the released code's oddities and settings.
        whole: whether a prompt of several actions is made in one piece, as published, and not
            parted as users get it.
        drop_last: whether R-precision leaves out the last batch where it is not full, as MoMask's
            loader does.
        seed: that a published protocol fixes; None where the user chooses.
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
    suites: tuple[str, ...] = ()
    preset: str = DEFAULT
    whole: bool = False
    drop_last: bool = False
    seed: int | None = None

    def suited(self, guidance: float | None) -> "Protocol":
        """The protocol for a checkpoint that asks for a guidance scale of its own, or for none.

        The published preset stays as it was published.
        """
        if guidance is None or self.preset != DEFAULT:
            return self
        return msgspec.structs.replace(self, sampling=self.sampling.guided(guidance))

    def changed(
        self,
        suites: Sequence[str] = (),
        repeats: int | None = None,
        limit: int | None = None,
        preset: str | None = None,
    ) -> "Protocol":
        """The protocol with other suites, replications, or at most `limit` prompts of each suite.

        Args:
            preset: `published` also makes prompts whole and drops R-precision's last batch.
        """
        new = self
        if suites:
            new = msgspec.structs.replace(new, suites=tuple(dict.fromkeys(suites)))
        if repeats is not None:
            new = msgspec.structs.replace(new, repeats=repeats)
        if limit is not None:
            new = msgspec.structs.replace(
                new,
                prompts=min(limit, new.prompts or limit),
                leakage=min(limit, new.leakage or limit),
                attacked=min(limit, new.attacked),
                varied=min(limit, new.varied),
            )
        if preset is not None:
            find_preset(preset)
            published = preset != DEFAULT
            new = msgspec.structs.replace(new, preset=preset, whole=published, drop_last=published)
        return new

    def sampled(self, model: str) -> Sampling:
        """How a model's tokens are drawn: in the published preset as its release draws them."""
        if self.preset == DEFAULT:
            return self.sampling
        return find_preset(self.preset).sampling[model].guided(self.sampling.guidance)


_QUICK: Final = Protocol(
    "quick",
    "one replication of 64 forget and 64 retain prompts, for two cores and ten minutes",
    repeats=1,
    prompts=64,
    leakage=20,
    attacked=16,
    attack_steps=12,
    varied=8,
    variations=5,
)
_FULL: Final = Protocol(
    "full",
    "20 replications of all prompts, 30 generations of 96 prompts for multimodality",
    repeats=20,
    prompts=None,
    leakage=None,
    attacked=66,
    attack_steps=40,
    varied=96,
    variations=30,
)
PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (
        _QUICK,
        _FULL,
        msgspec.structs.replace(
            _FULL.changed(preset="published", suites=("forget", "retain", "variations")),
            name="published",
            summary="Human Motion Unlearning: 20 replications, released samplers",
        ),
        msgspec.structs.replace(
            _FULL.changed(preset="published", suites=("all", "variations")),
            name="official",
            summary="a model's own figures: 20 replications of all test captions as released",
        ),
        # Facts of its evaluation: seed 10, one repetition, last batch dropped; its guidance scale
        # has no effect, which is what a scale of 1 says.
        msgspec.structs.replace(
            _FULL.changed(preset="published", suites=("forget", "retain"), repeats=1),
            name="safemo",
            summary="SafeMo: seed 10, one replication, no guidance, last batch dropped",
            sampling=Sampling(guidance=1.0),
            seed=10,
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises PlacidError `unknown_protocol` with the nearest name."""
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
