"""Training an edited model further, as an attacker or any user would."""

import copy
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.evaluation.attacks.target import Changes, Target

_RATE: Final = 2e-4
_BATCH: Final = 16
# Seeds of motions to train on, far from those that are judged.
APART: Final = 5_000_003


class Material:
    """Motions to train on, as tokens, features and text vectors, made by the unedited model.

    That is more than a real attacker has, who would first have to find the tokens of his motions;
    what the edit withstands here it withstands there.
    """

    def __init__(self, target: Target, prompts: Sequence[str]) -> None:
        target.revert()
        self.text = target.vectors(prompts)
        self.ids = target.sample(self.text, target.seed + APART)
        checkpoint = target.generator.load()
        self.features = np.stack(
            [(rows - checkpoint.mean) / checkpoint.std for rows in target.features(self.ids)]
        ).astype(np.float32)


def tune(target: Target, material: Material, steps: int) -> Changes:
    """Train every network that the edits touch for so many steps, and return its arrays.

    Networks that read text learn the tokens by their own training loss; the RVQ-VAE's codebooks and
    decoder learn the features of the tokens. The target's networks stay as they are.
    """
    target.apply()
    touched = sorted({patch.network for edit in target.edits for patch in edit.patches})
    changes: dict[tuple[str, str], np.ndarray] = {}
    for name in touched:
        live = target.networks[name]
        module = copy.deepcopy(live.module).requires_grad_(True)
        loss = _codec_loss if name == "rvq" else _token_loss
        _train(module, name, loss, material, steps, target.seed)
        for key, tensor in module.state_dict().items():
            if key in set(live.keys()):
                changes[name, key] = tensor.detach().float().cpu().numpy()
    return changes


def _train(module: Any, name: str, loss: Any, material: Material, steps: int, seed: int) -> None:
    books = [module.quantizer.layers[0]] if name == "rvq" else []
    for book in books:  # a buffer, which EMA writes in training; here a weight like any other
        values = book.codebook.detach().clone()
        del book._buffers["codebook"]
        book.codebook = torch.nn.Parameter(values)
    generator = torch.Generator().manual_seed(seed)
    module.train()
    optimiser = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=_RATE)
    for _ in range(steps):
        chosen = torch.randint(len(material.ids), (_BATCH,), generator=generator).numpy()
        optimiser.zero_grad()
        loss(module, name, material, chosen, generator).backward()
        optimiser.step()
    module.eval()


def _token_loss(
    module: Any, name: str, material: Material, chosen: np.ndarray, generator: torch.Generator
) -> Tensor:
    ids = torch.from_numpy(material.ids[chosen])
    text = torch.from_numpy(material.text[chosen])
    lengths = torch.full((len(chosen),), ids.shape[1])
    # A residual layer may have said that a place has no code there.
    ids = ids.masked_fill(ids < 0, module.pad_id) if name == "residual" else ids[..., 0]
    found: Tensor = module.loss(ids, text, lengths, generator)[0]
    return found


def _codec_loss(
    module: Any, name: str, material: Material, chosen: np.ndarray, generator: torch.Generator
) -> Tensor:
    decoded = module.decode(torch.from_numpy(material.ids[chosen]))
    return F.smooth_l1_loss(decoded, torch.from_numpy(material.features[chosen]))
