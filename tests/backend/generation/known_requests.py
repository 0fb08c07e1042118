"""Forty requests of every kind, and a digest of what each gives.

    python tests/backend/generation/known_requests.py

writes `tests/golden/known_motions.json` again: do so when the shipped weights or edits change, and
never to make a change of the code pass.
"""

import hashlib
import itertools
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[3]))

from backend.generation.generator import Generator
from shared.motion.motion import Motion
from shared.protocol.messages import EditMotion, Generate, SamplingOptions, Segment, Timeline

STORED = Path(__file__).parents[2] / "golden" / "known_motions.json"
_SAFETY = ("lcr", "uce", "rece", "lcr+uce", "off")
_PROMPTS = (
    "a person walks forward",
    "someone kicks with the right foot",
    "a man waves and then bows",
    "the dancer turns to the left",
)


def requests() -> dict[str, Any]:
    """Forty requests by name; an EditMotion is about the motion of `source`."""
    made: dict[str, Any] = {}
    for model in ("momask", "bamm"):
        for number, (safety, prompt) in enumerate(itertools.product(_SAFETY, _PROMPTS[:2])):
            made[f"{model} {safety} {number % 2}"] = Generate(
                prompt, 2.0 + 0.4 * number, seed=number, model=model, safety=safety
            )
        common: dict[str, Any] = {"model": model, "seed": 7}
        made[f"{model} own length"] = Generate(_PROMPTS[0], **common)
        made[f"{model} two actions"] = Generate(_PROMPTS[2], 5.0, **common)
        made[f"{model} three takes"] = Generate(_PROMPTS[3], 3.0, takes=3, **common)
        made[f"{model} loop in place"] = Generate(_PROMPTS[0], 3.0, loop="in_place", **common)
        made[f"{model} loop travelling"] = Generate(_PROMPTS[0], 3.0, loop="travelling", **common)
        made[f"{model} half strength"] = Generate(_PROMPTS[1], 3.0, strength=0.5, **common)
        made[f"{model} settings"] = Generate(
            _PROMPTS[0], 3.0, sampling=SamplingOptions(6, 5.0, 1.2, 0.8), **common
        )
        segments = (Segment("a person runs", 2.0), Segment("a person jumps", 1.6))
        made[f"{model} timeline"] = Timeline(segments=segments, **common)
        made[f"{model} kick forgotten"] = Generate(
            _PROMPTS[1], 3.0, safety="uce", concepts=("kick",), **common
        )
        made[f"{model} edit"] = EditMotion("a person jumps", frames=((12, 40),), **common)
    # What the checks find, and so what the audit guard makes anew, may change without the samplers.
    return {name: msgspec.structs.replace(r, audit_guard=False) for name, r in made.items()}


def source() -> Motion:
    """A walk in a curve, 3 s, that no network made."""
    from sample_motions import walking_motion

    return walking_motion(60)


def motions(generator: Generator) -> Iterator[tuple[str, list[Motion]]]:
    """Every request's takes."""
    for name, request in requests().items():
        about = source() if isinstance(request, EditMotion) else None
        yield name, list(generator.generate(request, motion=about))


def digest(takes: list[Motion]) -> dict[str, Any]:
    """A hash of the joints to the last bit, and what other processors can be held against."""
    joints = [np.ascontiguousarray(take.joints) for take in takes]
    return {
        "sha256": hashlib.sha256(b"".join(row.tobytes() for row in joints)).hexdigest(),
        "frames": [len(row) for row in joints],
        "means": [[round(float(v), 5) for v in row.mean(axis=(0, 1))] for row in joints],
        "spreads": [round(float(row.std()), 5) for row in joints],
    }


def machine() -> str:
    """What the last bits of a motion depend on beside the code."""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()}, torch {torch.__version__}, {capability}"


def main() -> None:
    torch.set_num_threads(1)
    found = {name: digest(takes) for name, takes in motions(Generator(device="cpu"))}
    STORED.write_text(json.dumps({"machine": machine(), "motions": found}, indent=1) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
