"""What reading a file from somebody else can run into, and the one sentence that is made of it."""

import csv
import struct
import tokenize
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from ..errors import PlacidError
from ..names import printable

# Everything that damaged and hostile files were seen to provoke in the libraries that read them.
# Not here: TypeError and AttributeError, which are defects of ours.
UNDECODABLE: Final = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RecursionError,
    NotImplementedError,
    StopIteration,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    csv.Error,
    msgspec.MsgspecError,
)
# Those whose own text says where in the file the problem is, and advises nothing.
_TELLING: Final = (tomllib.TOMLDecodeError, msgspec.MsgspecError, csv.Error)
_LONGEST: Final = 200


class DecodeError(PlacidError):
    """A file that is refused, with a predicate for the sentence: "is larger than 8 MB"."""

    def __init__(self, problem: str) -> None:
        super().__init__("bad_file", f"a file {problem}")
        self.problem = problem


@dataclass(frozen=True)
class FileKind:
    """A kind of file, for the sentences about those that are not what they should be.

    Attributes:
        what: with its article: "a Placid motion".
        remedy: what to do about a file that is damaged or something else.
        error: makes the room's own exception of a sentence.
        when_missing: whether the remedy is for a file that is not there as well.
    """

    what: str
    remedy: str
    error: Callable[[str], Exception]
    when_missing: bool = False

    @contextmanager
    def reading(self, name: object) -> Iterator[None]:
        """Turn all that reading can run into into `error`; `name` is the file's, for people."""
        try:
            yield
        except (DecodeError, *UNDECODABLE) as error:
            # A room's own sentence is one already.
            if isinstance(self.error, type) and isinstance(error, self.error):
                raise
            is_missing = isinstance(error, FileNotFoundError) and not self.when_missing
            remedy = "check the path" if is_missing else self.remedy
            sentence = f"{printable(str(name))} {explain(error, self.what)}; {remedy}"
            raise self.error(sentence) from error


def explain(error: BaseException, what: str = "what it should be") -> str:
    """A predicate that says what was wrong with a file, in our words where the library's mislead.

    NumPy's and PyTorch's texts are never passed on: they advise to load the file unsafely.
    """
    match error:
        case DecodeError():
            return error.problem
        case FileNotFoundError():
            return "does not exist"
        case IsADirectoryError():
            return "is a folder"
        case PermissionError():
            return "may not be read"
        case UnicodeDecodeError():
            return "is not UTF-8 text"
        case RecursionError():
            return "is nested too deeply"
        case MemoryError():
            return "needs more memory than there is"
        case OverflowError():
            return "has a number that is too large"
        case OSError():
            return f"cannot be read ({error.strerror or 'the system gives no reason'})"
    if isinstance(error, _TELLING):
        return f"is not {what} ({printable(str(error))[:_LONGEST]})"
    return f"is damaged or not {what}"
