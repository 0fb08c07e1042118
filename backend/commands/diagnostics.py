"""What `backend doctor` looks at: the environment, a checkpoint's files, and its text encoder."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import torch

from backend.checkpoints.loading import EMBEDDED, is_own, load_checkpoint
from backend.checkpoints.official.layout import KINDS, Part, find_parts
from backend.checkpoints.official.networks import check_network, read_statistics
from backend.checkpoints.official.release import TRANSFORMERS, choose_parts, sizes_of_codes
from backend.evaluation.evaluators.loading import find_glove
from backend.evaluation.evaluators.words import load_vocabulary, vocabulary_files
from backend.models.configs import RVQConfig
from backend.models.device import choose_device
from backend.text.encoders import clip_folder, make_encoder
from backend.text.encoding import CLIP
from backend.unlearning.advice import unlearn_command
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import find_concept
from backend.unlearning.defaults import defaults
from backend.unlearning.edit import Edit
from backend.unlearning.edit_name import JOIN, EditName
from backend.unlearning.edit_store import EditStore, edit_folders
from backend.unlearning.errors import UnlearningError
from backend.unlearning.guard_limits import find_limits, guard_folders
from shared import VERSION
from shared.concepts import VIOLENCE
from shared.errors import PlacidError
from shared.files import sha256
from shared.safety_choice import TOKEN_GUARD, split_guard

State = Literal["ok", "missing", "optional", "broken"]
CLIP_WIDTH: Final = 512
GLOVE: Final = "GloVe vectors"

# What is lost without a kind of network, and what to do about it.
_WITHOUT: Final[dict[str, tuple[State, str]]] = {
    "rvq": (
        "missing",
        "no motion can be made; `backend download momask --checkpoints {folder}` fetches it, or "
        "unpack MoMask's release (humanml3d_models.zip) there",
    ),
    "masked": (
        "optional",
        "MoMask cannot run; `backend download momask --checkpoints {folder}` fetches it, or unpack "
        "MoMask's release there",
    ),
    "residual": (
        "missing",
        "no motion can be made; `backend download momask --checkpoints {folder}` fetches it, or "
        "unpack MoMask's release there",
    ),
    "bamm": (
        "optional",
        "BAMM cannot run; `backend download bamm --checkpoints {folder}` fetches it, or unpack "
        "BAMM's release there",
    ),
    "length": (
        "optional",
        "MoMask needs --seconds; `backend download momask --checkpoints {folder}` fetches it, or "
        "unpack the folder length_estimator there",
    ),
    "evaluator": (
        "optional",
        "only the published benchmark needs it; `backend download evaluator --checkpoints "
        "{folder}` fetches it, or unpack the folders text_mot_match and Comp_v6_KLD005 there",
    ),
}

# Whose features are normalised with statistics, and in which folder beside it they lie.
_STATISTICS: Final = {
    "rvq": ("feature statistics", ""),
    "evaluator": ("evaluator's statistics", "Comp_v6_KLD005"),
}


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        state: ok; missing (nothing works without it); optional (absent, and only something is
            lost); broken (there, but unusable).
        place: the file or the version that was found.
        sha256: of the file, in hexadecimal; empty for what is no file.
        remedy: what to do when the state is not ok.
    """

    what: str
    state: State
    place: str
    sha256: str = ""
    remedy: str = ""


def examine(
    checkpoints: Path = EMBEDDED,
    device: str | None = None,
    encoder_folder: Path | None = None,
    allow_download: bool = False,
) -> Iterator[Finding]:
    """Look at everything that a generation needs; nothing is raised for what is wrong."""
    yield from examine_environment(device)
    if not is_own(checkpoints):
        yield from examine_release(checkpoints)
        folder = encoder_folder or clip_folder(checkpoints)
        found = examine_encoder(CLIP, CLIP_WIDTH, folder, allow_download)
        if found.state == "missing":
            command = f"`backend download clip --checkpoints {checkpoints}` fetches it"
            found = replace(found, remedy=f"{command}; {found.remedy}")
        yield found
    else:
        yield from examine_own(checkpoints, encoder_folder, allow_download)
    yield from examine_safety(checkpoints)


def examine_safety(checkpoints: Path) -> Iterator[Finding]:
    """The default safety of each model: whether its edits are there and fit the weights."""
    try:
        checkpoint = load_checkpoint(checkpoints)
    except PlacidError:
        return  # told of above
    wanted = defaults().safety
    weights, guarded = split_guard(wanted)
    files = EditStore(edit_folders(checkpoints)).files()
    remedy = f"`{unlearn_command('default', checkpoint=checkpoints)}` fits what is missing"
    for model in checkpoint.models():
        what = f"safety of {model}"
        lacking, odd = [], []
        for part in weights.split(JOIN) if weights else []:
            name = EditName(model, part, VIOLENCE)
            if name not in files:
                lacking.append(part)
                continue
            try:
                with apply_edit(Edit.load(files[name]), checkpoint.networks):
                    pass
            except UnlearningError as error:
                odd.append(str(error))
        limits = None
        if guarded:
            concept, folders = find_concept(VIOLENCE), guard_folders(checkpoints)
            limits = find_limits(checkpoint, model, concept, folders)
            lacking += [] if limits else [TOKEN_GUARD]
        if odd:
            again = unlearn_command(weights, "--replace", model=model, checkpoint=checkpoints)
            yield Finding(what, "broken", wanted, remedy=f"{odd[0]}; `{again}` fits it anew")
        elif lacking:
            stand_in = defaults().otherwise[0]
            yield Finding(
                what,
                "optional",
                f"{stand_in} stands in",
                remedy=f"violence is forgotten by {stand_in} until {' and '.join(lacking)} of the "
                f"default {wanted} is there; {remedy}",
            )
        else:
            yield Finding(what, "ok", f"{wanted} forgets violence by default")


def examine_environment(device: str | None = None) -> Iterator[Finding]:
    """Placid, Python, PyTorch and the device that the networks would run on."""
    yield Finding("Placid", "ok", VERSION)
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield Finding("PyTorch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")
    try:
        yield Finding("device", "ok", choose_device(device))
    except PlacidError as error:
        yield Finding("device", "broken", device or "", remedy=error.message)


def examine_own(
    folder: Path, encoder_folder: Path | None, allow_download: bool
) -> Iterator[Finding]:
    """A checkpoint in Placid's own format, with its text encoder."""
    title = "embedded checkpoint" if folder == EMBEDDED else "checkpoint"
    try:
        checkpoint = load_checkpoint(folder)
    except PlacidError as error:
        yield Finding(title, "broken", str(folder), remedy=error.message)
        return
    for name in checkpoint.networks:
        yield Finding(KINDS[name].title, "ok", f"{title}: {name}", checkpoint.hashes[name])
    width = next(
        int(getattr(network.config, "text_dim", 0))
        for network in checkpoint.networks.values()
        if hasattr(network.config, "text_dim")
    )
    yield examine_encoder(checkpoint.encoder, width, encoder_folder, allow_download)


def examine_release(folder: Path) -> Iterator[Finding]:
    """Every network of a release, tensor by tensor, and what is not there."""
    parts = find_parts(folder)
    try:
        chosen = choose_parts(parts, folder)
    except PlacidError as error:
        yield Finding("release", "broken", str(folder), remedy=error.message)
        chosen = {part.kind: part for part in parts if part.kind == "rvq"}
    codes = sizes_of_codes(chosen)
    for part in parts:
        yield _examine_part(part, folder, codes)
        if part.kind in _STATISTICS:
            yield _examine_statistics(part, folder)
    for kind, (state, remedy) in _WITHOUT.items():
        if not any(part.kind == kind for part in parts):
            yield Finding(KINDS[kind].title, state, "", remedy=remedy.format(folder=folder))
    yield from examine_glove(folder)


def examine_glove(root: Path) -> Iterator[Finding]:
    """The files of word vectors that the published evaluator reads, in a release or beside it."""
    needed = "only the published benchmark needs it"
    try:
        folder = find_glove(root)
    except PlacidError as error:
        command = f"`backend download evaluator --checkpoints {root}` fetches it"
        yield Finding(GLOVE, "optional", "", remedy=f"{needed}; {error.message}, or {command}")
        return
    files = vocabulary_files(folder)
    problem = _problem_of_glove(folder)
    # What names no file is said of the words.
    blamed = [path for path in files if str(path) in problem] or files[1:2]
    for path in files:
        place = os.path.relpath(path, root)
        if not path.is_file():
            remedy = f"{needed}; unpack it from the official glove.zip into {folder}"
            yield Finding(GLOVE, "optional", place, remedy=remedy)
        elif problem and path in blamed:
            yield Finding(GLOVE, "broken", place, sha256(path), f"{needed}; {problem}")
        else:
            yield Finding(GLOVE, "ok", place, sha256(path))


def examine_encoder(name: str, width: int, folder: Path | None, allow_download: bool) -> Finding:
    """The text encoder, which must give vectors of the width that the networks read."""
    what = "text encoder"
    try:
        encoder = make_encoder(name, folder, allow_download)
    except PlacidError as error:
        return Finding(what, "missing", name, remedy=error.message)
    if encoder.width != width:
        return Finding(
            what,
            "broken",
            f"{name}, width {encoder.width}",
            remedy=f"{name} gives vectors of width {encoder.width}, the checkpoint reads vectors "
            f"of width {width}; use the files of the encoder that it was trained with",
        )
    weights = folder / "model.safetensors" if folder else None
    hashed = sha256(weights) if weights and weights.exists() else ""
    return Finding(what, "ok", f"{name}, width {width}", hashed)


def can_generate(findings: Sequence[Finding]) -> bool:
    """Whether there is a model, and nothing that generation needs is missing or broken."""
    models = {finding.what for finding in findings if finding.state == "ok"}
    titles = {KINDS["masked"].title, KINDS["bamm"].title}
    bad = any(
        finding.state in ("missing", "broken")
        and finding.what not in (KINDS["evaluator"].title, GLOVE)
        for finding in findings
    )
    return not bad and bool(models & titles)


def _examine_part(part: Part, root: Path, codes: RVQConfig | None) -> Finding:
    title = KINDS[part.kind].title
    place = str((part.file or part.folder).relative_to(root))
    hashed = sha256(part.file) if part.file else ""
    try:
        if part.problem is not None:
            raise part.problem
        if codes is not None or part.kind not in TRANSFORMERS:
            check_network(part, codes)
    except PlacidError as error:
        return Finding(title, "broken", place, hashed, error.message)
    return Finding(title, "ok", place, hashed)


def _examine_statistics(part: Part, root: Path) -> Finding:
    title, sibling = _STATISTICS[part.kind]
    folder = part.folder.parent / sibling if sibling else part.folder
    place = str((folder / "meta").relative_to(root))
    try:
        read_statistics(folder)
    except PlacidError as error:
        state: State = "broken" if part.kind == "rvq" else "optional"
        return Finding(title, state, place, remedy=error.message)
    return Finding(title, "ok", f"{place}/mean.npy, std.npy")


def _problem_of_glove(folder: Path) -> str:
    try:
        load_vocabulary(folder)
    except PlacidError as error:
        return error.message
    return ""
