"""The folder of a run: the protocol file, the edits, one file per shard; nothing half-written."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from backend.evaluation.benchmark.worker import Shard
from shared.decoding.arrays import check_safetensors, damaged_tensors
from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_RUN_BYTES
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import write_whole

PROTOCOL_FILE: Final = "protocol.json"
PROMPTS_FILE: Final = "prompts.json"
_SHOWN: Final = 6


class Store:
    """A run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, manifest: Mapping[str, Any]) -> None:
        """Begin a run, or go on with one of which every fact is the same.

        Args:
            manifest: what the numbers depend on, as JSON: settings, versions, all inputs' SHA-256.

        Raises:
            PlacidError: `changed_protocol` with what changed; `damaged_run` when the protocol file
                cannot be read, or shards lie there without one.
        """
        now = msgspec.json.decode(msgspec.json.encode(manifest))
        path = self.folder / PROTOCOL_FILE
        if not path.exists():
            if self.shards.is_dir() and any(self.shards.iterdir()):
                raise PlacidError(
                    "damaged_run",
                    f"{self.folder} has results but no {PROTOCOL_FILE}; choose another --out",
                )
            self.shards.mkdir(parents=True, exist_ok=True)
            self.write(path, msgspec.json.format(msgspec.json.encode(now), indent=2))
            return
        changes = list(differences(self.manifest(), now))
        if changes:
            more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
            raise PlacidError(
                "changed_protocol",
                f"{self.folder} was begun with other inputs ({'; '.join(changes[:_SHOWN])}{more}): "
                "undo the change, or choose another --out folder",
            )

    def manifest(self) -> dict[str, Any]:
        """What the protocol file says. Raises PlacidError `damaged_run` when it cannot be read."""
        path = self.folder / PROTOCOL_FILE
        with _run_file("name the folder of a run of `backend eval run`").reading(path):
            return decode_json(read_bytes(path, MAX_RUN_BYTES), dict[str, Any])

    @property
    def shards(self) -> Path:
        """The folder of the shards."""
        return self.folder / "shards"

    @property
    def real_motions(self) -> Path:
        """The file of the real motions' embeddings, where those are of a data set."""
        return self.folder / "real_motions.safetensors"

    def keep_inputs(self, edits: Mapping[str, bytes], prompts: Sequence[Mapping[str, Any]]) -> None:
        """Write the edits and the prompts with their seeds, unless they are there already."""
        for name, content in edits.items():
            path = self.folder / "edits" / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                self.write(path, content)
        path = self.folder / PROMPTS_FILE
        if not path.exists():
            self.write(path, msgspec.json.format(msgspec.json.encode(prompts), indent=1))

    def has(self, shard: Shard) -> bool:
        """Whether a shard was made."""
        return (self.shards / shard.file).exists()

    def put(self, shard: Shard, content: bytes) -> None:
        """Write a shard's file."""
        self.write(self.shards / shard.file, content)

    def get(self, shard: Shard) -> dict[str, np.ndarray]:
        """The arrays of a shard. Raises PlacidError `damaged_run` when its file is damaged."""
        return self.read(self.shards / shard.file)

    def read(self, path: Path) -> dict[str, np.ndarray]:
        """The arrays of a shard's file. Raises PlacidError `damaged_run` when it is damaged."""
        with _run_file("delete that file and run the same command again").reading(path):
            check_safetensors(path, MAX_RUN_BYTES)
            try:
                return load(path.read_bytes())
            except SafetensorError as error:
                raise damaged_tensors(error) from error

    @staticmethod
    def write(path: Path, content: bytes) -> None:
        """Write a file, whole or not at all."""
        write_whole(path, content)


def _run_file(remedy: str) -> FileKind:
    return FileKind(
        "a file of a run", remedy, lambda sentence: PlacidError("damaged_run", sentence)
    )


def differences(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """What differs between two JSON values, one phrase each."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from differences(
                before.get(key), now.get(key), f"{place}.{key}" if place else key
            )
    elif before != now:
        yield f"{place} was {_short(before)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else msgspec.json.encode(value).decode().strip('"')
    return text if len(text) <= 24 else f"{text[:12]}..."
