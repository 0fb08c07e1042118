"""`backend body`: a motion on a body model that the user has."""

from pathlib import Path
from typing import Annotated

import typer


def body(
    motion: Annotated[Path, typer.Argument(help="A motion, npz of Placid's or BVH.")],
    model: Annotated[
        Path, typer.Option(help="SMPL, SMPL-H or SMPL-X as npz, or its folder.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; beside the motion if left out.")
    ] = None,
) -> None:
    """Pose a body: parameters in AMASS's keys, the mesh as OBJ and its movement as PC2."""
    from backend.motion.body_model import load_body_model, write_mesh, write_point_cache
    from shared.files import written_whole
    from shared.motion.amass import save_amass
    from shared.motion.bvh import load_bvh
    from shared.motion.motion import load_motion

    body_model = load_body_model(model)
    moves = load_bvh(motion) if motion.suffix.lower() == ".bvh" else load_motion(motion)
    parameters = body_model.parameters(moves)
    vertices = body_model.pose(parameters)
    folder = out or motion.parent
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"{motion.stem}-body"
    save_amass(parameters, base.with_suffix(".npz"))
    with written_whole(base.with_suffix(".obj")) as file:
        write_mesh(file, vertices[0], body_model.faces)
    with written_whole(base.with_suffix(".pc2")) as file:
        write_point_cache(file, vertices)
    frames, count = vertices.shape[:2]
    print(f"{base}.npz, .obj and .pc2: {frames} frames of {count} vertices")
