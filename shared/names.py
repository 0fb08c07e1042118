"""Names of files made from what people write, and paths from files of others, held to be harmless.

A name must mean the same file on every system: Windows keeps some names for devices and drops dots
and blanks at the end, macOS and Windows know no case, and macOS takes the two Unicode forms of
"é" for one.
"""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

_LONGEST: Final = 60
_MAX_PART_BYTES: Final = 200
_FORBIDDEN: Final = frozenset('<>:"|?*\\/')
# Reserved with any suffix. The digits with a raised form count as well.
_PORTS: Final = [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
_DEVICES: Final = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", "clock$", *_PORTS))
# Control characters, invisible ones that turn text around, halves of characters, private use.
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def file_name(text: str) -> str:
    """A text as a file name without suffix that every system accepts, and that no other text has.

    Words of plain letters and digits stay as they are, with dashes between them. Where anything
    else is lost, be it punctuation, another alphabet or the end of a long text, eight digits of
    the text's SHA-256 stand at the end.
    """
    spoken = " ".join(unicodedata.normalize("NFC", text).lower().split())
    plain = unicodedata.normalize("NFKD", spoken).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    short = words[:_LONGEST].strip("-")
    if short and short.replace("-", " ") == spoken and not is_device(short):
        return short
    digest = hashlib.sha256(spoken.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{short or 'motion'}_{digest}"


def same_file_key(name: str) -> str:
    """Equal for two names or paths that some system takes for one file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_device(name: str) -> bool:
    """Whether Windows keeps a name for a device, whatever its suffix."""
    return name.split(".", maxsplit=1)[0].rstrip(" ").lower() in _DEVICES


def is_remote(path: str) -> bool:
    """Whether a path leads to another machine; Windows would send it the user's credentials."""
    return path.replace("\\", "/").startswith("//")


def problem_of_name(name: str) -> str:
    """Why a name is not safe as one part of a path, as a remedy; empty for one that is."""
    if name in ("", ".", ".."):
        return "name a place inside the output folder, such as walks/slow"
    if any(unicodedata.category(character) in _UNSEEN for character in name):
        return "leave out characters that cannot be seen"
    if _FORBIDDEN & set(name):
        return "use letters, digits, dashes and slashes"
    if name.startswith("."):
        return "begin no part of the path with a dot"
    if name != name.strip() or name.endswith("."):
        return "begin and end no part of the path with a blank, and end none with a dot"
    if is_device(name):
        return f"choose another name; {name!r} is a device on Windows"
    if len(name.encode()) > _MAX_PART_BYTES:
        return "shorten it"
    return ""


def problem_of_path(path: str) -> str:
    """As `problem_of_name`, for a path inside a folder, with forward slashes."""
    remedies = (problem_of_name(part) for part in path.split("/"))
    return next((remedy for remedy in remedies if remedy), "")


def stays_inside(path: str) -> bool:
    """Whether a path from a file of others leads to a place inside the folder it is relative to."""
    parts = PurePosixPath(path.replace("\\", "/"))
    return not (parts.is_absolute() or ".." in parts.parts or ":" in path or "\0" in path)


def printable(text: str) -> str:
    """A text on one line: what would begin another one, or cannot be seen, is written out."""
    return "".join(
        character
        if unicodedata.category(character) not in _UNSEEN
        else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text
    )
