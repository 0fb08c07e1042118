"""Unlearning by training on the retain set: fine-tuning, and the reference model D_r.

Fine-tuning goes on training the networks that read text, on motions without the concept, and hopes
that they forget it. D_r trains the same networks from new weights on the same retain set: it has
never met the concept, so it is what an unlearned model should be like (De Matteis et al., "Human
Motion Unlearning", 2025). Both give an edit of whole tensors in half precision.
"""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.edit import Change, Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS, Method
from backend.unlearning.text_projections import READ_TEXT
from backend.unlearning.weights import NetworkName

if TYPE_CHECKING:
    from torch import nn

    from backend.engines.torch_engine import TorchNetwork


@dataclass(frozen=True)
class FineTuneParameters:
    """How long and how fast to train.

    Attributes:
        start: "base" goes on from the model's weights, "new" from random ones (D_r).
        steps: optimiser steps for each network.
        learning_rate: reached after `warmup` steps; falls to 2 % of it along a cosine.
        warmup: steps.
        seed: of new weights and of all batches.
    """

    start: Literal["base", "new"] = "base"
    steps: int = 1000
    learning_rate: float = 2e-4
    warmup: int = 50
    seed: int = 0


# (name of the network, network to start from, concept, parameters) -> the trained network.
TrainOnRetainSet = Callable[[NetworkName, "nn.Module", Concept, FineTuneParameters], "nn.Module"]

FINETUNE_PRESETS = {"published": FineTuneParameters(), "embedded": FineTuneParameters()}
# The settings of `backend train text`, so that a run begun there with --retain is continued.
RETRAIN_PRESETS = {
    "published": FineTuneParameters("new", steps=5000, learning_rate=8e-4, warmup=300),
    "embedded": FineTuneParameters("new", steps=5000, learning_rate=8e-4, warmup=300),
}


def fit(
    networks: "Mapping[str, TorchNetwork]",
    concept: Concept,
    train: TrainOnRetainSet,
    parameters: FineTuneParameters,
) -> Edit:
    """Train every network that reads text on motions without the concept; needs torch.

    Raises UnlearningError when there is no such network, or the parameters cannot be used.
    """
    if parameters.steps < 1 or parameters.learning_rate <= 0 or parameters.warmup < 1:
        raise UnlearningError(
            f"steps and warmup must be at least 1 and the learning rate above 0, not "
            f"{parameters.steps}, {parameters.warmup} and {parameters.learning_rate}"
        )
    names = [name for name in READ_TEXT if name in networks]
    if not names:
        raise UnlearningError(
            "there is no network that reads text: give a masked, bamm or residual network"
        )
    changes: list[Change] = []
    for name in names:
        trained = train(name, _start(networks[name].module, parameters), concept, parameters)
        changes += _changed(name, networks[name], trained)
    method = "finetune" if parameters.start == "base" else "retrain"
    return build_edit(
        method,
        concept.name,
        dataclasses.asdict(parameters),
        networks,
        changes,
        {"keywords": list(concept.keywords)},
        np.float16,
    )


def _start(network: "nn.Module", parameters: FineTuneParameters) -> "nn.Module":
    """A network of the same sizes that may be trained."""
    import torch

    if parameters.start == "base":
        return copy.deepcopy(network).requires_grad_(True)
    torch.manual_seed(parameters.seed)
    made: Any = type(network)
    return made(network.config)


def _changed(name: NetworkName, before: "TorchNetwork", after: "nn.Module") -> list[Change]:
    values = {key: tensor.float().cpu().numpy() for key, tensor in after.state_dict().items()}
    return [
        (name, key, None, value)
        for key, value in values.items()
        if not np.array_equal(value, before.read(key))
    ]


METHODS.register(
    "finetune",
    Method(
        "finetune",
        "Fine-tuning: the networks that read text train on, without motions of the concept",
        "motions",
        READ_TEXT,
        ".*",
        False,
        FINETUNE_PRESETS,
        fit,
        {"start": "base"},
    ),
)


METHODS.register(
    "retrain",
    Method(
        "retrain",
        "D_r, the reference: the same networks trained anew, without motions of the concept",
        "motions",
        READ_TEXT,
        ".*",
        False,
        RETRAIN_PRESETS,
        fit,
        {"start": "new"},
    ),
)
