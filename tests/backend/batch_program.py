"""`backend` with a generator that needs no weights, as a program that a test can kill."""

import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parent / "serving"))

from walking_backend import WalkingGenerator

generator = ModuleType("backend.generator")
generator.Generator = lambda *_, **__: WalkingGenerator()  # type: ignore[attr-defined]
sys.modules["backend.generator"] = generator
# Nothing that loads torch, which takes seconds.
checkpoints = ModuleType("backend.checkpoints")
checkpoints.EMBEDDED = Path()  # type: ignore[attr-defined]
sys.modules["backend.checkpoints"] = checkpoints

if __name__ == "__main__":
    from backend.cli import main

    main()
