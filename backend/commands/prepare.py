"""`backend prepare`: source data to training material."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.options import Strict
from backend.commands.problems import report

if TYPE_CHECKING:
    import numpy as np

    from backend.datasets.parameters import BodyParameters, Joints

app = typer.Typer(help="Turn motion data into training material.", no_args_is_help=True)


@app.command()
def mocap(
    data: Annotated[Path, typer.Argument(help="Folder with the sources, one sub-folder each.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the prepared material.")],
    sources: Annotated[
        str | None,
        typer.Option(help="Comma-separated; all that allow commercial use if left out."),
    ] = None,
    gestures: Annotated[
        int, typer.Option(min=0, help="Performances of each written gesture on recorded bodies.")
    ] = 24,
) -> None:
    """Read mocap clips, put them on one skeleton, extract the features and label windows."""
    from tqdm import tqdm

    from backend.datasets.gestures import find_bodies, gesture_clips
    from backend.datasets.labelling.windows import labelled
    from backend.datasets.preparation import fingerprint, prepare, save_prepared
    from backend.datasets.problems import ProblemTable
    from backend.datasets.sources import commercial_sources, read_clips

    problems = ProblemTable()
    names = commercial_sources() if sources is None else sources.split(",")
    recorded = read_clips(data, names, problems)
    bodies = list(find_bodies(recorded)) if gestures else []
    written = list(gesture_clips(bodies, gestures))
    prepared = prepare([*recorded, *written], problems=problems)
    clips = [labelled(clip) for clip in tqdm(prepared, desc="labels", unit="clip")]
    save_prepared(clips, out)
    print(f"{len(clips)} clips, fingerprint {fingerprint(clips)}, in {out}")
    report(problems, out)


@app.command("humanml3d")
def humanml3d(
    amass: Annotated[Path, typer.Argument(help="Folder of AMASS's archives, SMPL+H G.")],
    index: Annotated[Path, typer.Option(help="HumanML3D's index.csv.")],
    model: Annotated[Path, typer.Option(help="SMPL-H: folder with male and female/model.npz.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the data set.")],
    strict: Strict = False,
) -> None:
    """Pose, cut and mirror AMASS as HumanML3D does, and extract the features."""
    from backend.datasets.humanml3d import joint_motions, read_index, skeleton
    from backend.datasets.layouts import HUMANML3D
    from backend.datasets.problems import ProblemTable
    from backend.datasets.vectors import write_vectors

    cuts, joints, problems = read_index(index), _smplh_joints(model), ProblemTable(strict)
    offsets = skeleton(cuts, amass, joints)
    motions = joint_motions(cuts, amass, joints, problems)
    written = write_vectors(motions, offsets, out, HUMANML3D.motions[0], problems)
    print(f"{written[0]} motions, {written[1]} frames, in {out / HUMANML3D.motions[0]}")
    report(problems, out)


@app.command("motion-x")
def motion_x(
    data: Annotated[Path, typer.Argument(help="Folder of Motion-X, with motion_data/smplx_322.")],
    model: Annotated[Path, typer.Option(help="SMPL-X: SMPLX_NEUTRAL.npz or its folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the data set.")],
    strict: Strict = False,
) -> None:
    """Pose Motion-X's bodies and extract the features of their 22 joints, at 30 frames a second."""
    from backend.datasets.layouts import MOTION_X
    from backend.datasets.motion_x import joint_motions, parameter_folder, skeleton
    from backend.datasets.problems import ProblemTable
    from backend.datasets.vectors import write_vectors
    from backend.motion.body_model import load_body_model
    from shared.motion.skeleton import FEATURE_OFFSETS

    folder, body, problems = parameter_folder(data), load_body_model(model), ProblemTable(strict)

    def joints(parameters: "BodyParameters") -> "np.ndarray":
        return body.joints(parameters.poses, parameters.trans, parameters.betas)

    offsets = skeleton(folder, joints)
    if offsets is None:
        print(f"{folder} has no humanml/000021.npy: bone lengths are Placid's, not HumanML3D's")
        offsets = FEATURE_OFFSETS
    motions = joint_motions(folder, joints, problems)
    written = write_vectors(motions, offsets, out, MOTION_X.motions[0], problems)
    print(f"{written[0]} motions, {written[1]} frames, in {out / MOTION_X.motions[0]}")
    report(problems, out)


def _smplh_joints(folder: Path) -> "Joints":
    """Joints of SMPL-H bodies; like HumanML3D, everybody who is not male takes the female one."""
    from backend.motion.body_model import load_body_model
    from shared.errors import PlacidError

    files = {gender: folder / gender / "model.npz" for gender in ("male", "female")}
    for path in files.values():
        if not path.is_file():
            raise PlacidError(
                "no_body_model",
                f"there is no body model at {path}; download the extended SMPL+H model that AMASS "
                "uses and give --model its folder smplh",
            )
    bodies = {gender: load_body_model(path) for gender, path in files.items()}

    def joints(parameters: "BodyParameters") -> "np.ndarray":
        body = bodies["male" if parameters.gender == "male" else "female"]
        return body.joints(parameters.poses, parameters.trans, parameters.betas)

    return joints
