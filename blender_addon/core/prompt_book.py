"""The prompts that were used lately and those that a person marked, across files."""

from pathlib import Path
from typing import Final

import msgspec

from ..link import paths
from ..shared.decoding.errors import UNDECODABLE, DecodeError
from ..shared.decoding.text import decode_json
from ..shared.files import written_whole

_MOST: Final = 30


class _Kept(msgspec.Struct):
    history: list[str] = []
    favourites: list[str] = []


class PromptBook:
    """Read when it is first asked for; what cannot be read is begun anew.

    Args:
        path: of the file; in the extension's own folder if left out.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: _Kept | None = None

    @property
    def history(self) -> list[str]:
        """The latest first."""
        return self._read().history

    @property
    def favourites(self) -> list[str]:
        """In the order in which they were marked."""
        return self._read().favourites

    def note(self, prompt: str) -> None:
        """A prompt was used. Raises PlacidError `not_writable`."""
        kept = self._read()
        if kept.history[:1] != [prompt]:
            kept.history = [prompt, *(text for text in kept.history if text != prompt)][:_MOST]
            self._write(kept)

    def mark(self, prompt: str) -> None:
        """Make a prompt a favourite, or none any more. Raises PlacidError `not_writable`."""
        kept = self._read()
        if prompt in kept.favourites:
            kept.favourites.remove(prompt)
        else:
            kept.favourites.append(prompt)
        self._write(kept)

    def _file(self) -> Path:
        return self._path or paths.user_folder() / "prompts.json"

    def _read(self) -> _Kept:
        if self._kept is None:
            try:
                self._kept = decode_json(self._file().read_bytes(), _Kept)
            except (OSError, DecodeError, *UNDECODABLE):
                self._kept = _Kept()
        return self._kept

    def _write(self, kept: _Kept) -> None:
        with written_whole(self._file()) as file:
            file.write(msgspec.json.encode(kept))


BOOK: Final = PromptBook()
