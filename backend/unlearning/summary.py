"""What safety edits changed, in words for people."""

from collections.abc import Sequence
from typing import Final

from backend.unlearning.edit import Edit

_NETWORKS: Final = {
    "rvq": "the decoder",
    "masked": "the network that plans the motion",
    "residual": "the network that adds detail",
    "bamm": "the network that plans the motion",
}


def summarise(edits: Sequence[Edit]) -> list[str]:
    """One line for each network that each edit touches, such as "violence: 16 motion codes ..."."""
    return [
        f"{edit.concept}: {_change(edit, network)}"
        for edit in edits
        for network in dict.fromkeys(patch.network for patch in edit.patches)
    ]


def _change(edit: Edit, network: str) -> str:
    patches = [patch for patch in edit.patches if patch.network == network]
    place = _NETWORKS.get(network, network)
    rows = [len(patch.rows) for patch in patches if patch.rows is not None]
    if rows and network == "rvq":
        return f"{sum(rows)} motion codes of {place} replaced"
    share = sum(patch.relative_change for patch in patches) / len(patches)
    what = "tensor" if len(patches) == 1 else "tensors"
    return f"{len(patches)} {what} of {place} changed by {share:.0%}"
