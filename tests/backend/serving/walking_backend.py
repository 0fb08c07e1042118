"""A backend whose generator needs no weights: a body that walks by sine curves, made in steps.

Run as a program it is a whole backend: `walking_backend.py whole|broken|late LOG` is started as the
add-on starts the real one, `walking_backend.py by-hand|late-by-hand LOG CONNECTION` as a person
does; a late one takes its time to load. The prompt says how it behaves: `hang` stops reacting,
`slow` needs two seconds a take, `brisk` a third of one, `memory`, `refused` and `bug` fail; `golf`
it does not know.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.generation.repair import Repair
from backend.kinematic_checks.audit import audit_motion
from backend.serving.lifecycle import read_handover
from backend.serving.patience import Limits
from backend.serving.server import serve
from shared import VERSION
from shared.errors import PlacidError
from shared.motion.audit import Audit, FoundStrike
from shared.motion.blocks import Block, blocks_entry
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT, JOINT_COUNT
from shared.motion.understanding import Understanding
from shared.protocol.messages import (
    AuditMotion,
    Capabilities,
    Choice,
    EditMotion,
    Generate,
    RepairMotion,
    Request,
    Timeline,
)

STEPS = 10
LATE_SECONDS = 2.5
FPS = 20.0
CAPABILITIES = Capabilities(
    version=VERSION,
    models=(Choice("momask", "walks"),),
    safety=(Choice("lcr", "forgets"), Choice("uce", "forgets"), Choice("off", "forgets nothing")),
    concepts=(Choice("violence", "strikes"), Choice("kick", "kicks")),
    default_safety="lcr",
    actions=(
        Choice("walk forward", "a person walks forward"),
        Choice("wave", "a person waves"),
    ),
)
GOLF = Understanding(0.1, 0.5, "golf", ("swings a racket",))


KICK = FoundStrike("kick", "left", 4, 9, 6)


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class WalkingGenerator:
    """Implements MotionGenerator."""

    def __init__(self) -> None:
        self.unloaded = 0

    def fit_at_once(self):
        """Nothing is left to fit."""
        return []

    def fit_when_idle(self):
        """Nothing is left to fit."""
        return iter(())

    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def unload(self) -> None:
        self.unloaded += 1

    def generate(
        self,
        request: Request,
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
        motion: Motion | None = None,
    ) -> Iterator[Motion]:
        if "hang" in request.prompt:
            progress(0.0, "hanging")
            threading.Event().wait()
        if "memory" in request.prompt:
            raise OutOfMemoryError("device 0")
        if "refused" in request.prompt:
            raise PlacidError("bad_request", "no floor; lay one")
        if "bug" in request.prompt:
            raise KeyError("no such layer")
        for take in range(request.takes):
            for step in range(STEPS):
                if cancelled():
                    raise PlacidError("cancelled", "the generation was cancelled")
                progress((take + step / STEPS) / request.takes, "sampling")
                if "slow" in request.prompt:
                    time.sleep(0.2)
                if "brisk" in request.prompt:
                    time.sleep(0.03)
            if isinstance(request, AuditMotion):
                yield replace(motion, audit=audit_motion(motion))
            elif isinstance(request, RepairMotion):
                yield Repair(request, _calmed, audit_motion).run(motion, request.seed, progress)
            elif motion is None:
                yield walk(request, request.seed + take)
            else:
                yield replace(motion, prompt=request.prompt, seed=request.seed + take)


def _calmed(request: EditMotion, clip: Motion, _progress: object) -> list[Motion]:
    """The clip, with its first pose held in the new frames."""
    [(start, end)] = request.frames
    joints = clip.joints.copy()
    joints[start:end] = joints[max(start - 1, 0)]
    made = {"safety": "lcr", "changes": ["frames 0 to 1: nothing"]}
    return [replace(clip, joints=joints, provenance=made)] * request.takes


def walk(request: Request, seed: int) -> Motion:
    """Legs and arms swing, the body moves along +Z; the seed sets the phase."""
    length = request.seconds if isinstance(request, Generate) else None
    blocks: list[Block] = []
    if isinstance(request, Timeline):
        blocks = [Block(segment.prompt, segment.seconds) for segment in request.segments]
        length = sum(block.seconds for block in blocks)
    seconds = np.arange(int((length or 3.0) * FPS)) / FPS
    swing = 0.3 * np.sin(2 * np.pi * seconds + seed)
    joints = np.zeros((len(seconds), JOINT_COUNT, 3), np.float32)
    joints[..., 1] = np.linspace(0.9, 1.7, JOINT_COUNT)
    joints[..., 2] = seconds[:, None]
    for side, sign in (("left", 1), ("right", -1)):
        joints[:, JOINT[f"{side}_ankle"], 1] = 0.1
        joints[:, JOINT[f"{side}_ankle"], 2] += sign * swing
        joints[:, JOINT[f"{side}_wrist"], 2] -= sign * swing
    contacts = np.repeat(np.stack([swing > 0, swing <= 0], axis=1), 2, axis=1)
    audit = Audit((KICK,) if "kick" in request.prompt else ())
    provenance = {"model": request.model} | blocks_entry(blocks)
    if "golf" in request.prompt:
        provenance = GOLF.put_into(provenance)
    return Motion(joints, "Y", FPS, contacts, request.prompt, seed, provenance, audit)


def broken_generator() -> WalkingGenerator:
    """What a damaged checkpoint looks like to the server."""
    raise PlacidError("bad_checkpoint", "walk.safetensors is damaged; install Placid again")


def late_generator() -> WalkingGenerator:
    """What a slow disk looks like to the server."""
    time.sleep(LATE_SECONDS)
    return WalkingGenerator()


def main(how: str, log_path: Path, *rest: str) -> int:
    """A whole backend; what is expected to go wrong ends in one sentence, as with `backend`."""
    makers = {"broken": broken_generator, "late": late_generator, "late-by-hand": late_generator}
    try:
        by_hand = how.endswith("by-hand")
        return serve(
            makers.get(how, WalkingGenerator),
            Path(rest[0]) if by_hand else read_handover(sys.stdin.buffer),
            log_path,
            Limits(heartbeat=0.2, cancel=0.5),
        )
    except PlacidError as error:
        print(f"backend: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
