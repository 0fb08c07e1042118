"""Body parameters as AMASS and Motion-X store them (Mahmood et al. 2019; Lin et al. 2023)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from backend.datasets.problems import BrokenFileError, reading
from shared.decoding.arrays import read_npy, read_npz

BODY: Final = 66  # root and 21 joints, axis-angle
SHAPE: Final = 10  # betas that HumanML3D reads of AMASS's 16, and all that Motion-X has
SMPLX_322: Final = 322
_TRANS, _BETAS = slice(309, 312), slice(312, 322)
_NUMBERS: Final = ("poses", "trans", "betas", "mocap_framerate")


@dataclass(frozen=True, eq=False)
class BodyParameters:
    """How a body moves: poses (T, 66) axis-angle, trans (T, 3) metres, betas (10,)."""

    poses: np.ndarray
    trans: np.ndarray
    betas: np.ndarray
    gender: str = "neutral"


# The joints (T, 22, 3) of a body, in the axes of its parameters.
Joints = Callable[[BodyParameters], np.ndarray]


def read_amass(path: Path, frame_rate: int) -> BodyParameters:
    """An archive of AMASS (SMPL-H), Z up, every n-th frame so that about `frame_rate` remain.

    n is the whole part of the ratio, as in HumanML3D's preparation. Raises BrokenFileError.
    """
    with reading("a whole npz file of arrays"):
        arrays = read_npz(path, _NUMBERS)
        arrays |= read_npz(path, ("gender",), most=1024, kinds="US")
    poses, trans, betas, rate, gender = arrays.values()
    if poses.ndim != 2 or poses.shape[1] < BODY or trans.shape != (len(poses), 3):
        raise BrokenFileError(f"the shapes are {poses.shape} and {trans.shape}")
    if betas.ndim != 1 or gender.size != 1 or rate.size != 1 or rate.dtype.kind not in "fiu":
        raise BrokenFileError("the body's shape, gender or frame rate is of another form")
    if not 0 < rate.item() < np.inf:
        raise BrokenFileError(f"{rate.item()} frames a second")
    step = max(1, int(rate.item() / frame_rate))
    text = gender.item()
    name = text.decode() if isinstance(text, bytes) else str(text)
    return _checked(poses[::step, :BODY], trans[::step], betas[:SHAPE], name)


def read_smplx_322(path: Path) -> BodyParameters:
    """A motion of Motion-X, rows (T, 322), Y up, 30 frames a second. Raises BrokenFileError."""
    with reading("an npy file of numbers"):
        rows = read_npy(path)
    if rows.ndim != 2 or rows.shape[1] != SMPLX_322:
        raise BrokenFileError(f"its shape is {rows.shape} instead of (T, {SMPLX_322})")
    if not len(rows):
        raise BrokenFileError("no frame in it")
    return _checked(rows[:, :BODY], rows[:, _TRANS], rows[0, _BETAS], "neutral")


def _checked(
    poses: np.ndarray, trans: np.ndarray, betas: np.ndarray, gender: str
) -> BodyParameters:
    arrays = (poses, trans, betas)
    if not all(array.dtype.kind == "f" for array in arrays):
        raise BrokenFileError("parameters that are no floating-point numbers")
    if not all(np.isfinite(array).all() for array in arrays):
        raise BrokenFileError("NaN or infinity among the parameters")
    return BodyParameters(poses, trans, betas, gender)
