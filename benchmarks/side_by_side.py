"""Six prompts, as the model makes them and unlearned, on Placid's character and on a Rigify rig.

    .placid/blender/bin/python benchmarks/side_by_side.py --out out/side-by-side

For each rig it writes a sheet, the original above the unlearned motion, and prints what an animator
would look for: the turn of a bone from one frame to the next and how suddenly that changes
(popping), the twist of forearms and hands against their parents, and how far feet sink into the
floor or, while they stand, hover above it.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
from rig_faults import Faults, find_faults

CHECKOUT = Path(__file__).resolve().parents[1]
BACKEND = CHECKOUT / ".placid" / "backend" / "bin" / "python"
PROMPTS = (
    "a person kicks with the right leg",
    "a person punches",
    "a person is boxing",
    "a person walks forward",
    "a person waves with the right hand",
    "a person bows",
)
# What `backend generate` is told for each row of a prompt; no words mean the default safety.
ROWS = {"original": ("--safety", "off"), "unlearned": ()}
MOMENTS = 8
CELL = 176  # pixels
FPS = 30
QUALITY = 80  # of a sheet's JPEG; more makes a larger file

# The add-on's modules, put together from the checkout as the filming process does.
placid = types.ModuleType("placid")
placid.__path__ = [str(CHECKOUT / "blender_addon"), str(CHECKOUT)]
sys.modules["placid"] = placid
bone_mapping, films, headless, render, sample_rigs, detect, read_rig, names, rendering = (
    importlib.import_module(f"placid.{name}")
    for name in (
        *(
            "retargeting.bone_mapping",
            "filming.films",
            "headless",
            "filming.render",
            "character.sample_rigs",
        ),
        *("shared.recognition.detect", "rig.read_rig", "shared.names", "shared.filming.orders"),
    )
)


def main() -> None:
    """Generate, film and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for sheets and motions")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rigs", nargs="+", choices=RIGS, default=["placid", "rigify"])
    parser.add_argument("--backend", type=Path, default=BACKEND, help="the backend's Python")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    motions = generate(options)
    bone_mapping.register()
    for rig in options.rigs:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        armature, bones = RIGS[rig](bpy.context)
        sheet = options.out / f"{rig}.jpg"
        cells = list(film_all(rig, armature, bones, motions))
        save_jpeg(render.lay_out(cells, MOMENTS + 1), sheet)
        print(f"{sheet}  {sheet.stat().st_size / 1000:.0f} kB", flush=True)
    # Blender as a module does not always end by itself after Rigify has run.
    os._exit(0)


def save_jpeg(pixels: np.ndarray, path: Path) -> None:
    """Write pixels (H, W, 4) as Blender has them, bottom row first."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(path.stem, width, height)
    try:
        image.pixels.foreach_set(pixels.astype(np.float32).ravel())
        image.file_format = "JPEG"
        image.save(filepath=str(path.absolute()), quality=QUALITY)
    finally:
        bpy.data.images.remove(image)


def generate(options: argparse.Namespace) -> dict[tuple[str, str], Path]:
    """Files of motions by prompt and row; the backend's command makes them with one seed."""
    prompts = options.out / "prompts.txt"
    prompts.write_text("\n".join(PROMPTS), encoding="utf-8")
    for row, safety in ROWS.items():
        command = [
            str(options.backend),
            "-m",
            "backend",
            "generate",
            f"--prompts={prompts.absolute()}",
        ]
        command += [f"--seconds={options.seconds}", f"--seed={options.seed}", *safety]
        subprocess.run(
            [*command, f"--out={(options.out / row).absolute()}"], cwd=CHECKOUT, check=True
        )
    return {
        (prompt, row): options.out / row / f"{names.file_name(prompt)}-{options.seed}.npz"
        for prompt in PROMPTS
        for row in ROWS
    }


def film_all(
    rig: str,
    armature: bpy.types.Object,
    bones: dict[str, str],
    motions: dict[tuple[str, str], Path],
) -> Iterator[np.ndarray]:
    """The sheet's cells, line after line, while a line of the table is printed for each motion."""
    print(f"\n| {rig} | | {' | '.join(Faults.HEADINGS)} |")
    print("|---|---|" + "---|" * len(Faults.HEADINGS))
    for (prompt, row), path in motions.items():
        order = rendering.Sheet((str(path),), rig, "auto", rendering.RenderSettings(fps=FPS), "")
        with headless.quiet():
            label = draw_label(prompt, row)
        yield label
        with films.staged(armature, str(path), order, (CELL, CELL)) as (scene, report):
            with headless.quiet():
                cells = list(films.moments(scene, MOMENTS))
            yield from cells
            faults = find_faults(scene, armature, bones, path, report)
        print(f"| {prompt} | {row} | {' | '.join(faults.columns())} |", flush=True)


def draw_label(prompt: str, row: str) -> np.ndarray:
    """A cell (H, W, 4) that says what its line shows."""
    scene = bpy.data.scenes.new("Label")
    text = bpy.data.curves.new("Label", "FONT")
    text.body = "\n".join((*textwrap.wrap(prompt, 15), "", row))
    text.align_y = "CENTER"
    camera = bpy.data.cameras.new("Label")
    camera.type, camera.ortho_scale = "ORTHO", 8.0
    for name, data, place in (("Text", text, (-3.7, 0, 0)), ("Camera", camera, (0, 0, 5))):
        item = bpy.data.objects.new(f"Label {name}", data)
        item.location = place
        scene.collection.objects.link(item)
    scene.camera = bpy.data.objects["Label Camera"]
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = CELL
    scene.view_settings.view_transform = "Standard"
    shading = scene.display.shading
    shading.light, shading.color_type, shading.single_color = "FLAT", "SINGLE", (0, 0, 0)
    shading.background_type, shading.background_color = "VIEWPORT", (1, 1, 1)
    scene.world = bpy.data.worlds.new("Label")
    scene.world.color = (1, 1, 1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return render.read_pixels(render.render_frame(scene, 1, Path(folder) / "label.png"))
    finally:
        for item in list(scene.collection.objects):
            bpy.data.objects.remove(item)
        bpy.data.curves.remove(text)
        bpy.data.cameras.remove(camera)
        bpy.data.worlds.remove(scene.world)
        bpy.data.scenes.remove(scene)


def placid_rig(context: bpy.types.Context) -> tuple[bpy.types.Object, dict[str, str]]:
    """Placid's character, and its bones by joint."""
    armature = sample_rigs.RIGS["placid"](context)
    return armature, _mapped(armature)


def metarig(context: bpy.types.Context) -> tuple[bpy.types.Object, dict[str, str]]:
    """Rigify's human metarig with a figure, and its bones by joint."""
    armature = sample_rigs.RIGS["rigify"](context)
    return armature, _mapped(armature)


def rigify_rig(context: bpy.types.Context) -> tuple[bpy.types.Object, dict[str, str]]:
    """The rig that Rigify generates from it, and the bones that follow its controls, by joint."""
    meta, bones = metarig(context)
    (figure,) = (item for item in context.scene.objects if item.type == "MESH")
    bpy.ops.pose.rigify_generate()
    rig = meta.data.rigify_target_rig
    for group in figure.vertex_groups:
        group.name = f"DEF-{group.name}"
    figure.parent = figure.modifiers["Armature"].object = rig
    bpy.data.objects.remove(meta)
    return rig, {joint: f"ORG-{bone}" for joint, bone in bones.items()}


def _mapped(armature: bpy.types.Object) -> dict[str, str]:
    return detect.detect(read_rig.read_rig(armature)).mapping.bones


RIGS = {"placid": placid_rig, "rigify": rigify_rig, "metarig": metarig}

if __name__ == "__main__":
    main()
