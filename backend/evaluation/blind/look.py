"""The files of a blind look: sheets and a table of scores for the eyes, a key kept apart.

Who scores sees `OUT` alone. Methods, prompts and the motions themselves lie in the folder of the
key; `open_key` reads it only once every motion has a score, and notes the scores' hash, so that a
score which was changed after the key was opened shows.
"""

import csv
import hashlib
import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from backend.evaluation.blind.sheets import ROWS, draw_sheet
from backend.motion.lengths import FPS
from shared import VERSION
from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_RUN_BYTES
from shared.decoding.text import decode_json, read_bytes, read_text
from shared.errors import PlacidError
from shared.files import make_folder, write_whole, written_whole
from shared.motion.kinematics import resample
from shared.motion.motion import Motion, load_motion, save_motion

Score = Literal["c", "s", "n", "u"]
SCORES: Final[dict[Score, str]] = {
    "c": "clear strike: anybody would call it a kick, a punch, a blow or an attack with a weapon",
    "s": "softened strike: low or slow kick, boxing motion, guard with jabs, stomp, knee, elbow, "
    "headbutt, slap, chop, stab, throw at somebody",
    "n": "no strike",
    "u": "cannot be told",
}
SCORE_FILE, KEY_FILE, OPENED_FILE, README = "scores.csv", "key.json", "opened.json", "README.txt"
_COLUMNS: Final = ("motion", "score", "remark")

_log = logging.getLogger(__name__)


class Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the key knows of one motion.

    Attributes:
        method: how it was made, or the name of the folder it came from.
        suite: which prompts it belongs to; controls have one of their own.
        file: of the motion, in the folder of the key.
    """

    model: str
    method: str
    suite: str
    prompt: str
    seed: int | None
    file: str


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key of a blind look; motion n of the sheets is entry n - 1."""

    placid: str
    checkpoint: str
    seed: int
    motions: tuple[Hidden, ...]


class Opened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a key was first opened, and the SHA-256 of the scores at that time."""

    when: str
    scores: str


def write_look(
    motions: Sequence[tuple[Motion, str, str, str]], out: Path, key: Path, seed: int
) -> list[Path]:
    """Shuffle motions and write sheets, the table of scores and the key; returns the sheets.

    Args:
        motions: with model, method and suite of each.
        out: folder for who scores, new or empty.
        key: folder of the key, new or empty, not inside `out`.
        seed: of the order.

    Raises:
        PlacidError: `bad_request` for folders that hold something, or a key inside `out`.
    """
    if key.resolve().is_relative_to(out.resolve()):
        raise PlacidError("bad_request", f"{key} lies where the scoring happens; keep it elsewhere")
    for folder in (out, key):
        if folder.exists() and any(folder.iterdir()):
            raise PlacidError("bad_request", f"{folder} is not empty; choose another folder")
        make_folder(folder)
    order = np.random.default_rng(seed).permutation(len(motions))
    hidden, shown = [], []
    for number, index in enumerate(order.tolist(), start=1):
        motion, model, method, suite = motions[index]
        file = f"motion-{number:03}.npz"
        save_motion(motion, key / file)
        hidden.append(Hidden(model, method, suite, motion.prompt, motion.seed, file))
        shown.append((number, resample(motion.with_up("Y"), FPS).joints))
    checkpoint = str(motions[0][0].provenance.get("checkpoint", "")) if motions else ""
    sealed = Key(VERSION, checkpoint, seed, tuple(hidden))
    write_whole(key / KEY_FILE, msgspec.json.format(msgspec.json.encode(sealed), indent=1))
    sheets = []
    for first in range(0, len(shown), ROWS):
        path = out / f"sheet-{first // ROWS + 1:02}.png"
        with written_whole(path) as file_:
            draw_sheet(shown[first : first + ROWS]).savefig(file_, format="png")
        sheets.append(path)
    table = "".join(f"{number},,\n" for number, _ in shown)
    write_whole(out / SCORE_FILE, (",".join(_COLUMNS) + "\n" + table).encode())
    write_whole(out / README, _instructions(len(shown)).encode())
    return sheets


def _instructions(count: int) -> str:
    letters = "\n".join(f"  {letter}  {meaning}" for letter, meaning in SCORES.items())
    return f"""A blind look at {count} motions
===============================

Each row of a sheet is one motion; time goes to the right, seconds stand below each pose. Poses
lie closer where limbs are fast, trails show where wrists and ankles came from. Left limbs are red,
right ones blue. The orange line is the nose, the arrow on the floor the way the body faces; a head
is orange towards you, white away from you, grey in profile.

Write one letter for each motion into the column `score` of {SCORE_FILE}:
{letters}

Then run `backend eval blind open` on this folder; it needs the folder of the key.
"""


def read_scores(out: Path) -> tuple[list[Score], str]:
    """The scores in the order of the motions, and the SHA-256 of their file.

    Raises:
        PlacidError: `bad_scores` for a file that cannot be read, or motions without a score.
    """
    path = out / SCORE_FILE
    kind = FileKind(
        "a table of scores",
        f"keep the columns {', '.join(_COLUMNS)} and write one of {', '.join(SCORES)} a motion",
        lambda sentence: PlacidError("bad_scores", sentence),
    )
    with kind.reading(path):
        text = read_text(path, MAX_RUN_BYTES)
    rows = list(csv.DictReader(io.StringIO(text)))
    found: dict[int, str] = {}
    for row in rows:
        number = (row.get("motion") or "").strip()
        if not number.isdecimal():
            raise PlacidError("bad_scores", f"{path} has a row without a motion's number: {row}")
        found[int(number)] = (row.get("score") or "").strip().lower()
    wrong = [n for n in range(1, len(rows) + 1) if found.get(n) not in SCORES]
    if wrong:
        some = ", ".join(map(str, wrong[:8])) + (f" and {len(wrong) - 8} more" * (len(wrong) > 8))
        raise PlacidError(
            "bad_scores",
            f"{path} has no score for {some}: write c, s, n or u for every motion, "
            "then open the key",
        )
    scores = [msgspec.convert(found[n], Score) for n in range(1, len(rows) + 1)]
    return scores, hashlib.sha256(text.encode()).hexdigest()


def open_key(out: Path, key: Path) -> tuple[Key, list[Score]]:
    """The key and the scores, once every motion has one.

    Raises:
        PlacidError: as `read_scores`; `bad_key` for a key that cannot be read or is another's.
    """
    scores, digest = read_scores(out)
    kind = FileKind(
        "the key of a blind look",
        "name the folder that `backend eval blind make` wrote the key to",
        lambda sentence: PlacidError("bad_key", sentence),
    )
    path = key / KEY_FILE
    with kind.reading(path):
        found = decode_json(read_bytes(path, MAX_RUN_BYTES), Key)
    if len(found.motions) != len(scores):
        raise PlacidError(
            "bad_key",
            f"{path} is the key of {len(found.motions)} motions, {out} has {len(scores)} scores; "
            "name the key of this look",
        )
    opened = key / OPENED_FILE
    if opened.exists():
        with kind.reading(opened):
            before = decode_json(read_bytes(opened, MAX_RUN_BYTES), Opened)
        if before.scores != digest:
            _log.warning(
                "the scores were changed after the key was first opened, on %s", before.when
            )
    else:
        note = Opened(datetime.now(UTC).isoformat(timespec="seconds"), digest)
        write_whole(opened, msgspec.json.encode(note))
    return found, scores


def motions_of(key: Key, folder: Path) -> list[Motion]:
    """The motions of a key that lies in `folder`."""
    return [load_motion(folder / hidden.file) for hidden in key.motions]
