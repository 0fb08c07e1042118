"""What the fault campaign counted, for `docs/reliability.md`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def record(campaign: str, counts: Mapping[str, int], **measured: float) -> None:
    """Append the counts to the file that the variable PLACID_CAMPAIGN names, if it does."""
    print(campaign, dict(counts), measured)
    if place := os.environ.get("PLACID_CAMPAIGN"):
        with Path(place).open("a") as file:
            file.write(json.dumps({"campaign": campaign, **counts, **measured}) + "\n")
