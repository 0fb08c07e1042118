"""The layers through which networks read a prompt's vector: what all closed-form methods edit.

Every such network has one linear layer `cond_emb`, W c + b. A method gives each a new weight and,
where it needs one, a new bias.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.edit import Change, Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.text_embeddings import TextEmbeddings
from backend.unlearning.weights import EditableNetworks, NetworkName, read_array

READ_TEXT: Final[tuple[NetworkName, ...]] = ("masked", "bamm", "residual")
WEIGHT_KEY: Final = "cond_emb.weight"
BIAS_KEY: Final = "cond_emb.bias"

# A layer's weight (d, text_dim) and bias (d,), or None for the bias that is there.
EditedLayer = tuple[np.ndarray, np.ndarray | None]


def text_projections(
    networks: EditableNetworks, text_dim: int, dtype: type[np.floating] = np.float64
) -> dict[NetworkName, tuple[np.ndarray, np.ndarray]]:
    """Network name -> CPU copies of the weight (d, text_dim) and bias (d,) of `cond_emb`.

    Raises UnlearningError when no network has one, or the embeddings' width is not theirs.
    """
    layers: dict[NetworkName, tuple[np.ndarray, np.ndarray]] = {}
    for name in READ_TEXT:
        if name not in networks:
            continue
        weight = read_array(networks, name, WEIGHT_KEY).astype(dtype)
        bias = read_array(networks, name, BIAS_KEY).astype(dtype)
        if weight.shape[1] != text_dim:
            raise UnlearningError(
                f"the prompts are embedded in {text_dim} numbers but the network {name!r} reads "
                f"{weight.shape[1]}: use the text encoder the model was trained with"
            )
        layers[name] = (weight, bias)
    if not layers:
        raise UnlearningError(
            "there is no text projection to edit: give a masked, bamm or residual network"
        )
    return layers


def projection_edit(
    method: str,
    concept: Concept,
    parameters: Any,
    networks: EditableNetworks,
    layers: Mapping[NetworkName, EditedLayer],
    embeddings: TextEmbeddings,
) -> Edit:
    """An edit that sets `cond_emb` of several networks; `parameters` is the method's dataclass."""
    changes: list[Change] = []
    for name, (weight, bias) in layers.items():
        changes.append((name, WEIGHT_KEY, None, weight))
        if bias is not None:
            changes.append((name, BIAS_KEY, None, bias))
    return build_edit(
        method,
        concept.name,
        dataclasses.asdict(parameters),
        networks,
        changes,
        {"texts": embeddings.texts},
    )


def second_moment(rows: np.ndarray) -> np.ndarray:
    """(n, d) -> (d, d), the mean of the rows' outer products."""
    moment: np.ndarray = rows.T @ rows / len(rows)
    return moment


def need_retained(method: str, embeddings: TextEmbeddings) -> None:
    """Raise UnlearningError where a method that reads what to keep is given nothing of it."""
    if not len(embeddings.retain):
        raise UnlearningError(
            f"{method} reads what is to be kept: give the concept at least one of retain_prompts"
        )
