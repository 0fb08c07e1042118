"""`backend` with a generator that needs no weights, as a program that a test can kill."""

import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parent / "serving"))

from walking_backend import WalkingGenerator

stand_in = ModuleType("backend.generator")
stand_in.Generator = lambda device=None: WalkingGenerator()  # type: ignore[attr-defined]
sys.modules["backend.generator"] = stand_in

if __name__ == "__main__":
    from backend.cli import main

    main()
