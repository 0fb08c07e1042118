"""The walk through the house that docs/design.md describes leads past files that are there."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
DESIGN = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
WALK = DESIGN.split("## A prompt's way")[1].split("## Rooms")[0]
ROOMS = DESIGN.split("## Rooms")[1].split("## Where")[0]
# Steps after the first of a process leave its folder out.
PLACES = (
    "",
    "blender_addon",
    "blender_addon/retargeting",
    "blender_addon/rig",
    *(f"backend/{room}" for room in ("", "generation", "motion", "serving", "text", "unlearning")),
)
_FOLDER = re.compile(r"`((?:backend|blender_addon|shared)/[\w/*]+)`")


def _candidates(path: str) -> list[Path]:
    return [found for place in PLACES if (found := CHECKOUT / place / path).exists()]


def test_every_step_names_a_file_and_functions_that_are_there():
    steps = [row.split("|")[2] for row in WALK.splitlines() if row.startswith("| ")][2:]
    assert len(steps) > 15
    for step in steps:
        files: list[Path] = []
        for name in re.findall(r"`([^`]+)`", step):
            if name.endswith((".py", "/")):
                files = _candidates(name)
                assert files, f"{name} is not there"
                continue
            member = name.split(".")[-1]
            texts = [file.read_text(encoding="utf-8") for file in files]
            assert any(re.search(rf"(def|class) {member}\b", text) for text in texts), (
                f"{name} is not in {files}"
            )


def test_every_folder_of_the_rooms_is_there_and_none_is_left_out():
    named = {name.rstrip("/*") for name in _FOLDER.findall(ROOMS)}
    assert all((CHECKOUT / name).exists() for name in named)
    rooms = {
        f"backend/{path.name}"
        for path in (CHECKOUT / "backend").iterdir()
        if path.is_dir() and (path / "__init__.py").exists() and path.name != "assets"
    }
    assert rooms <= named
