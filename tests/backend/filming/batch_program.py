"""`backend` with a generator that needs no weights, as a program that a test can kill."""

import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))

from walking_backend import WalkingGenerator

generator = ModuleType("backend.generation.generator")
generator.Generator = lambda *_, **__: WalkingGenerator()  # type: ignore[attr-defined]
sys.modules["backend.generation.generator"] = generator
# Nothing that loads torch, which takes seconds.
checkpoints = ModuleType("backend.checkpoints.loading")
checkpoints.EMBEDDED = Path()  # type: ignore[attr-defined]
sys.modules["backend.checkpoints.loading"] = checkpoints

if __name__ == "__main__":
    from backend.cli import main

    main()
