"""Which networks lie in the folders of an official release.

A release is a tree of folders `<dataset>/<model>` with `opt.txt` and `model/*.tar`; BAMM's lies
beside MoMask's under another root. So folders are recognised by what they hold, wherever they are.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.checkpoints.official.options import Options, read_options
from backend.checkpoints.official.weights import open_weights
from shared.errors import PlacidError

DEPTH: Final = 5  # a BAMM root has log/<dataset>/<dataset>/<model>/model
OPTIONS: Final = "opt.txt"
OFFICIAL_CODES: Final = 512


@dataclass(frozen=True)
class Kind:
    """A kind of network: what it is called, where its weights stand, which files come first."""

    title: str
    states: tuple[str, ...]
    files: tuple[str, ...]


_LATEST: Final = ("latest.tar", "base.tar", "net_best_fid.tar")
_BEST: Final = ("net_best_fid.tar", "base.tar", "latest.tar")
_FINEST: Final = ("finest.tar", "latest.tar")
# The first file is the one that the published generation loads.
KINDS: Final = {
    "rvq": Kind("RVQ-VAE", ("vq_model", "net"), _BEST),
    "masked": Kind("masked transformer", ("t2m_transformer", "trans"), _LATEST),
    "bamm": Kind("BAMM transformer", ("t2m_transformer", "trans"), _LATEST),
    "residual": Kind("residual transformer", ("res_transformer",), _BEST),
    "length": Kind("length estimator", ("estimator",), _FINEST),
    "evaluator": Kind("evaluator", ("movement_encoder",), _FINEST),
}


@dataclass(frozen=True)
class Part:
    """One network's folder.

    Attributes:
        file: the weights to load; None when the folder has none.
        problem: why it cannot be used, as far as the look showed.
    """

    kind: str
    folder: Path
    options: Options | None
    file: Path | None
    problem: PlacidError | None = None

    @property
    def names(self) -> set[str]:
        """What other networks may call it: its folder, or its name in training."""
        trained = self.options.values.get("name") if self.options else None
        return {self.folder.name, str(trained or self.folder.name)}


def find_parts(folder: Path) -> list[Part]:
    """All networks of the HumanML3D release below a folder, RVQ-VAEs first.

    KIT's networks are left out: they move another skeleton. Nothing is raised for what is
    damaged: the part says so.
    """
    looks = [_look(candidate) for candidate in _candidates(folder)]
    parts = [part for part in looks if part is not None]
    codes = {
        name: count
        for part in parts
        if part.kind == "rvq" and part.options
        for name in part.names
        if isinstance(count := part.options.values.get("nb_code"), int)
    }
    parts = [_tell_bamm(part, codes) if part.kind == "masked" else part for part in parts]
    return sorted(parts, key=lambda part: (list(KINDS).index(part.kind), part.folder))


def is_official(folder: Path) -> bool:
    """Whether a folder looks like part of an official release."""
    return next(_candidates(folder), None) is not None


def _candidates(root: Path) -> Iterator[Path]:
    """Folders that may hold a network; links are followed, but nothing is met twice."""
    seen = set[Path]()
    for path, folders, files in os.walk(root, followlinks=True):
        here = Path(path)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if here.resolve() in seen:
            folders.clear()
            continue
        seen.add(here.resolve())
        if len(here.relative_to(root).parts) >= DEPTH:
            folders.clear()
        if OPTIONS in files or ("model" in folders and list((here / "model").glob("*.tar"))):
            folders.clear()
            yield here


def _look(folder: Path) -> Part | None:
    options, problem, keys = None, None, set[str]()
    files = sorted((folder / "model").glob("*.tar"))
    try:
        if (folder / OPTIONS).exists():
            options = read_options(folder / OPTIONS)
        if files:
            keys = set(open_weights(_preferred(files, _BEST)))
    except PlacidError as error:
        problem = error
    dataset = options.values.get("dataset_name") if options else None
    if "kit" in (dataset, folder.parent.name):
        return None
    kind = _kind_of_keys(keys) or _kind_of_name(folder.name, options)
    if kind is None:
        return None
    file = _preferred(files, KINDS[kind].files) if files else None
    return Part(kind, folder, options, file, problem)


def _preferred(files: list[Path], names: tuple[str, ...]) -> Path:
    by_name = {file.name: file for file in files}
    return next((by_name[name] for name in names if name in by_name), files[0])


def _kind_of_keys(keys: set[str]) -> str | None:
    return next((name for name, kind in KINDS.items() if keys & set(kind.states)), None)


def _kind_of_name(name: str, options: Options | None) -> str | None:
    """For folders whose weights are absent or damaged."""
    if "length" in name:
        return "length"
    if name == "text_mot_match":
        return "evaluator"
    if name.startswith("rvq") or (options and "nb_code" in options.values):
        return "rvq"
    if name.startswith(("tres_", "rtrans")):
        return "residual"
    return "masked" if options and "latent_dim" in options.values else None


def _tell_bamm(part: Part, codes: Mapping[str, int]) -> Part:
    """BAMM's file has MoMask's keys; its embedding has a row more, for the end of a motion."""
    if part.file is None or part.problem is not None or part.options is None:
        return part
    # Where its RVQ-VAE is not there, another one's number of codes is likelier than none.
    other = next(iter(codes.values()), OFFICIAL_CODES)
    count = codes.get(str(part.options.values.get("vq_name")), other)
    try:
        content = open_weights(part.file)
    except PlacidError as error:
        return Part(part.kind, part.folder, part.options, part.file, error)
    state = next(content[name] for name in KINDS["bamm"].states if name in content)
    rows = len(state["token_emb.weight"]) if "token_emb.weight" in state else 0
    kind = "bamm" if rows == count + 3 else "masked"
    return Part(kind, part.folder, part.options, part.file)
