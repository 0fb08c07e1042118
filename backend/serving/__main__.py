"""`python -m backend.serving`: how the add-on starts the backend, in any Python that has numpy."""

import argparse
import sys
from pathlib import Path

from backend.serving.start import Options, start
from shared.errors import PlacidError


def main() -> int:
    """Run a backend; every expected problem ends in one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m backend.serving", description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="log file")
    parser.add_argument("--log-level", choices=("error", "info", "debug"), default="info")
    parser.add_argument("--device", help="cpu, cuda or mps; the best if left out")
    parser.add_argument("--engine", choices=("numpy", "torch"), help="the best if left out")
    parser.add_argument("--checkpoints", type=Path, help="folder of another checkpoint")
    parser.add_argument("--allow-download", action="store_true", help="for CLIP, which is large")
    chosen = parser.parse_args()
    options = Options(
        handover=True,
        connection=Path(),
        log=chosen.log,
        log_level=chosen.log_level,
        device=chosen.device,
        engine=chosen.engine,
        checkpoints=chosen.checkpoints,
        allow_download=chosen.allow_download,
    )
    try:
        return start(options)
    except PlacidError as error:
        print(f"backend: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
