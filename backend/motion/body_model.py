"""Motions on a body model of the SMPL family that the user has: parameters and a moving mesh."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Final

import numpy as np
import torch

from shared.decoding.arrays import read_npz
from shared.decoding.errors import DecodeError, FileKind
from shared.errors import PlacidError
from shared.motion.amass import smplx_parameters
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT_COUNT, PARENTS

_ARRAYS: Final = (
    "v_template",
    "shapedirs",
    "posedirs",
    "J_regressor",
    "kintree_table",
    "weights",
    "f",
)
_CHUNK: Final = 32  # frames that are posed together


@dataclass(frozen=True)
class BodyModel:
    """The arrays of a body model, as its file names them."""

    arrays: dict[str, np.ndarray]

    @property
    def faces(self) -> np.ndarray:
        """Triangles (F, 3) of vertex numbers."""
        return self.arrays["f"].astype(np.int64)

    @property
    def parents(self) -> np.ndarray:
        """Parent of each joint (J), -1 for the root."""
        parents = self.arrays["kintree_table"][0].astype(np.int64)
        parents[0] = -1
        return parents

    @property
    def rest_joints(self) -> np.ndarray:
        """(J, 3) joints of the mean body, metres, Y up."""
        return np.asarray(self.arrays["J_regressor"] @ self.arrays["v_template"], float)

    def parameters(self, motion: Motion) -> dict[str, np.ndarray]:
        """SMPL-X parameters with which this very model follows the motion, Z up."""
        joints = self.rest_joints[:JOINT_COUNT]
        offsets = joints - joints[list(PARENTS)]
        offsets[0] = 0.0
        return smplx_parameters(motion, offsets, joints[0])

    def joints(self, poses: np.ndarray, trans: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """Joints float32 (T, 22, 3) in metres, in the axes of the parameters.

        Args:
            poses: (T, at least 66) axis-angle rotations; those behind the body's are not read.
            trans: (T, 3).
            betas: (B,) the shape of the person.
        """
        smplx = _smplx_lbs()
        shape = self.arrays["shapedirs"][..., : len(betas)] @ betas
        rest = self.arrays["J_regressor"] @ (self.arrays["v_template"] + shape)
        body = JOINT_COUNT * 3
        turns = torch.tensor(poses[:, :body], dtype=torch.float32).reshape(-1, 3)
        with torch.no_grad():
            posed, _ = smplx.batch_rigid_transform(
                smplx.batch_rodrigues(turns).reshape(-1, JOINT_COUNT, 3, 3),
                torch.tensor(rest[:JOINT_COUNT], dtype=torch.float32).expand(len(poses), -1, -1),
                torch.tensor(self.parents[:JOINT_COUNT]),
            )
        return np.asarray(posed.numpy() + trans[:, None].astype(np.float32))

    def pose(self, parameters: dict[str, np.ndarray]) -> np.ndarray:
        """Vertices (T, V, 3) in metres, Z up, of the mean body with these parameters."""
        lbs = _smplx_lbs().lbs
        model = {name: torch.tensor(self.arrays[name], dtype=torch.float32) for name in _ARRAYS[:4]}
        weights = torch.tensor(self.arrays["weights"], dtype=torch.float32)
        parents = torch.tensor(self.parents)
        # SMPL, SMPL-H and SMPL-X begin with the same 22 joints; what follows rests.
        pose = torch.zeros(len(parameters["poses"]), len(parents) * 3)
        body = JOINT_COUNT * 3
        pose[:, :body] = torch.tensor(parameters["poses"][:, :body], dtype=torch.float32)
        shape = torch.zeros(1, model["shapedirs"].shape[-1])
        bases = model["posedirs"].reshape(-1, model["posedirs"].shape[-1]).T
        chunks = []
        with torch.no_grad():
            for rows in pose.split(_CHUNK):
                vertices, _ = lbs(
                    shape.expand(len(rows), -1),
                    rows,
                    model["v_template"],
                    model["shapedirs"],
                    bases,
                    model["J_regressor"],
                    parents,
                    weights,
                )
                chunks.append(vertices.numpy())
        return np.concatenate(chunks) + parameters["trans"][:, None].astype(np.float32)


def _smplx_lbs() -> ModuleType:
    try:
        from smplx import lbs
    except ImportError as error:
        raise PlacidError(
            "no_smplx",
            "posing a body needs the library smplx; install it with `pip install 'placid[body]'`",
        ) from error
    module: ModuleType = lbs
    return module


_FILE: Final = FileKind(
    "a body model as npz",
    "give the npz file, not the pkl",
    lambda sentence: PlacidError("bad_body_model", sentence),
)


def load_body_model(path: Path) -> BodyModel:
    """Read a body model's npz file, or the neutral SMPL-X one in a folder; nothing is executed.

    Raises:
        PlacidError: `no_body_model` or `bad_body_model`.
    """
    if path.is_dir():
        path = path / "SMPLX_NEUTRAL.npz"
    if not path.is_file():
        raise PlacidError(
            "no_body_model",
            f"there is no body model at {path}; download SMPLX_NEUTRAL.npz from its makers and "
            "give --model its path",
        )
    # The files of the makers hold pickled extras, which stay unread.
    with _FILE.reading(path):
        model = BodyModel(read_npz(path, _ARRAYS))
        _check_shapes(model.arrays)
    if tuple(model.parents[:JOINT_COUNT]) != PARENTS:
        raise PlacidError(
            "bad_body_model",
            f"the joints of {path} are not those of SMPL; give a file of SMPL, SMPL-H or SMPL-X",
        )
    return model


def _check_shapes(arrays: dict[str, np.ndarray]) -> None:
    """Raises DecodeError unless all arrays are of one body."""
    vertices = arrays["v_template"].shape[0] if arrays["v_template"].ndim == 2 else 0
    joints = arrays["kintree_table"].shape[1] if arrays["kintree_table"].ndim == 2 else 0
    wanted = {
        "v_template": (vertices, 3),
        "kintree_table": (2, joints),
        "J_regressor": (joints, vertices),
        "weights": (vertices, joints),
        "shapedirs": (vertices, 3, None),
        "posedirs": (vertices, 3, None),
        "f": (None, 3),
    }
    for name, sides in wanted.items():
        shape = arrays[name].shape
        fits = len(shape) == len(sides) and all(
            wanted_side in (None, side) for side, wanted_side in zip(shape, sides, strict=True)
        )
        if not fits or 0 in shape:
            raise DecodeError(f"has an array {name!r} of shape {shape}, which no such body has")
    if not 0 <= arrays["f"].min() <= arrays["f"].max() < vertices:
        raise DecodeError("has triangles of vertices that it has not")


def write_mesh(file: BinaryIO, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write one frame (V, 3), Z up, as Wavefront OBJ, which is Y up."""
    rows = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in _y_up(vertices)]
    rows += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    file.write(("\n".join(rows) + "\n").encode())


def write_point_cache(file: BinaryIO, vertices: np.ndarray) -> None:
    """Write vertices (T, V, 3), Z up, as PC2, which moves the OBJ's vertices frame by frame."""
    frames, count = vertices.shape[:2]
    file.write(b"POINTCACHE2\0")
    file.write(np.array([1, count], "<i4").tobytes())
    file.write(np.array([0.0, 1.0], "<f4").tobytes())
    file.write(np.array([frames], "<i4").tobytes())
    file.write(np.ascontiguousarray(_y_up(vertices), "<f4").tobytes())


def _y_up(points: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, z, -y], axis=-1)
