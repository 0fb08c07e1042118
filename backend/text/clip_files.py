"""CLIP's files: which ones, from where, and that they are what they should be.

The hub's newest revision of CLIP has its weights as a pickle alone. The revision below adds the
same weights as safetensors; it never changes, and what is fetched from it must have these hashes.
"""

from pathlib import Path
from typing import Final

from backend.text.hub import problem_of_hub
from shared.decoding.arrays import check_safetensors
from shared.decoding.errors import UNDECODABLE, DecodeError, explain
from shared.decoding.limits import MIB
from shared.errors import PlacidError
from shared.files import sha256

HUB_NAME: Final = "openai/clip-vit-base-patch32"
REVISION: Final = "b33cedfd0df4e43b8238760678fcc89e1a0d38b3"
WEIGHTS: Final = "model.safetensors"
SHA256: Final = {
    "config.json": "b575ef3c36f2a057fa19e221650105052d61cc9c1a972ec15019c6261ec98770",
    "merges.txt": "f526393189112391ce6f9795d4695f704121ce452c3aad1f5335cc41337eba85",
    "vocab.json": "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363",
    WEIGHTS: "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d",
}
_MAX_WEIGHT_BYTES: Final = 4096 * MIB
_PICKLES: Final = ("pytorch_model.bin", "model.pt")
# For each of the hub's answers.
_TIMEOUT_SECONDS: Final = 10.0


def find_clip(folder: Path | None, allow_download: bool) -> Path:
    """A folder with CLIP's files, whose weights are safetensors.

    Args:
        folder: of the user's own; the hub's cache on this machine if None.
        allow_download: whether what is not in the cache may be fetched.

    Raises:
        PlacidError: `encoder_missing` when a file is missing, damaged or, in the cache, not the
            one that it should be.
    """
    if folder is None:
        return _from_hub(allow_download)
    if not folder.is_dir():
        raise clip_missing(folder, "there is no such folder")
    if not (folder / WEIGHTS).exists():
        pickles = [name for name in _PICKLES if (folder / name).exists()]
        if pickles:
            raise clip_missing(
                folder,
                f"{pickles[0]} is a pickle, which can hold any program, and is not read; take "
                f"{WEIGHTS} of the hub's revision {REVISION[:12]}",
            )
        raise clip_missing(folder, f"it has no {WEIGHTS}")
    try:
        check_safetensors(folder / WEIGHTS, _MAX_WEIGHT_BYTES)
    except (DecodeError, *UNDECODABLE) as error:
        raise clip_missing(folder, f"{WEIGHTS} {explain(error)}") from error
    return folder


def clip_missing(source: object, problem: str) -> PlacidError:
    """The error for a CLIP that cannot be read."""
    return PlacidError(
        "encoder_missing",
        f"the text encoder CLIP ViT-B/32 cannot be read from {source} ({problem.rstrip('.')}); "
        f"put the files of {HUB_NAME} into the folder 'clip' beside the checkpoints or name their "
        "folder with --encoder, or allow the download with --allow-download",
    )


def _from_hub(allow_download: bool) -> Path:
    paths = []
    for name, expected in SHA256.items():
        # A library's own zoo: absent files, broken connections, full disks.
        try:
            path = _cached(name, is_local=True)
        except Exception as error:
            if not allow_download:
                raise clip_missing(HUB_NAME, f"{name} is not on this machine") from error
            path = _fetch(name)
        found = sha256(path)
        if found != expected:
            raise clip_missing(
                HUB_NAME,
                f"{path} has SHA-256 {found[:12]}... instead of {expected[:12]}...: delete it",
            )
        paths.append(path)
    return paths[0].parent


def _fetch(name: str) -> Path:
    if problem := problem_of_hub():
        raise clip_missing(HUB_NAME, problem)
    try:
        return _cached(name, is_local=False)
    except Exception as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise clip_missing(HUB_NAME, f"{name} cannot be fetched: {problem}") from error


def _cached(name: str, is_local: bool) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(
        hf_hub_download(
            HUB_NAME,
            name,
            revision=REVISION,
            local_files_only=is_local,
            etag_timeout=_TIMEOUT_SECONDS,
        )
    )
