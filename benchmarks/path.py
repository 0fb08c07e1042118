"""How near a body keeps to a curve and how its feet slide there, beside motions without one.

    python benchmarks/path.py

Five curves with three ways to go, three seeds each. Distances are those of the pelvis from the
curve as it was drawn, seen from above; sliding is the mean speed of ankles and toes while they
stand, and of toes within 5 cm of their lowest place (skate), over that of the same prompt without a
path; twist is the 99th percentile of the angle between pelvis and standing feet.
"""

import sys
import time
from pathlib import Path as File

sys.path.insert(0, str(File(__file__).parents[1]))

import numpy as np

from backend.generation.generator import Generator
from backend.kinematic_checks.motion_quality import foot_skate
from backend.motion.floor_curve import FloorCurve
from backend.motion.footsteps import SIDES, steps_of
from backend.motion.path_warp import feet_slide
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT
from shared.protocol.messages import Generate, Path

SEEDS = 3
SHARE = np.linspace(0.0, 1.0, 80)
CURVES = {
    "straight, 6 m": np.array([[0.0, 0.0], [0.0, 6.0]]),
    "S, 7 m": np.stack([np.sin(SHARE * 2 * np.pi), 6.0 * SHARE], axis=-1),
    "S, 20 m": np.stack([2.0 * np.sin(SHARE * 4 * np.pi), 17.0 * SHARE], axis=-1),
    "circle of 1 m": np.stack([np.cos(SHARE * 2 * np.pi), np.sin(SHARE * 2 * np.pi)], axis=-1),
    "hairpin of 0.5 m": np.array([[0.0, 0.0], [0.0, 3.0], [0.5, 3.0], [0.5, 0.0]]),
}
WAYS = ("walks", "runs", "sneaks")


def twist(motion: Motion) -> float:
    """Degrees."""
    joints, found = motion.joints, []
    across = joints[:, JOINT["left_hip"]] - joints[:, JOINT["right_hip"]]
    facing = np.arctan2(-across[:, 2], across[:, 0])
    for side in SIDES:
        toe = joints[:, JOINT[f"{side}_foot"]] - joints[:, JOINT[f"{side}_ankle"]]
        apart = np.angle(np.exp(1j * (np.arctan2(toe[:, 0], toe[:, 2]) - facing)))
        found += [np.abs(apart[s.start : s.end]) for s in steps_of(motion.contacts)[side]]
    return float(np.degrees(np.percentile(np.concatenate(found), 99)))


def main() -> None:
    """Print the table."""
    generator = Generator(engine="numpy")
    print(f"weights {generator.load().hash[:12]}, safety as by default")
    print("| way | curve | metres | mean, most, end: cm | slide | skate | twist | s a take |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for way in WAYS:
        plain = list(generator.generate(Generate(f"a person {way} forward", 6.0, takes=2 * SEEDS)))
        slide = np.mean([feet_slide(m.joints, m.contacts) for m in plain])
        skate = np.mean([foot_skate(m.joints) for m in plain])
        print(f"| {way} | none | | | {slide * 100:.1f} cm/s | {skate:.1f} cm/s | | |")
        for name, points in CURVES.items():
            curve = FloorCurve.of(points)
            path = Path(tuple((float(x), float(z)) for x, z in points))
            began = time.process_time()
            made = list(generator.generate(Generate(f"a person {way}", takes=SEEDS, path=path)))
            spent = (time.process_time() - began) / SEEDS
            ways = [m.joints[:, 0, [0, 2]] for m in made]
            away = np.concatenate([curve.distances(places) for places in ways]) * 100
            end = max(np.linalg.norm(places[-1] - points[-1]) for places in ways) * 100
            slides = np.mean([feet_slide(m.joints, m.contacts) for m in made]) / slide
            skates = np.mean([foot_skate(m.joints) for m in made]) / skate
            print(
                f"| {way} | {name} | {curve.length:.1f} "
                f"| {away.mean():.1f}, {away.max():.1f}, {end:.1f} | {slides:.2f} | {skates:.2f} "
                f"| {max(map(twist, made)):.0f}° | {spent:.1f} |"
            )


if __name__ == "__main__":
    main()
