"""Writes small data sets in the folders of HumanML3D and Motion-X."""

from pathlib import Path

import numpy as np

CAPTION = "a person kicks#a/DET person/NOUN kick/VERB#0.0#0.0"
CALM = "a person walks#a/DET person/NOUN walk/VERB#0.0#0.0"


def rows(frames: int = 60, seed: int = 0) -> np.ndarray:
    """Features that no two seeds share."""
    return np.random.default_rng(seed).normal(size=(frames, 263)).astype(np.float32)


def write_item(
    root: Path,
    name: str,
    *lines: str,
    features: np.ndarray | None = None,
    motions: str = "new_joint_vecs",
    texts: str = "texts",
) -> None:
    """One motion and its caption file."""
    motion, text = root / motions / f"{name}.npy", root / texts / f"{name}.txt"
    motion.parent.mkdir(parents=True, exist_ok=True)
    text.parent.mkdir(parents=True, exist_ok=True)
    np.save(motion, rows() if features is None else features)
    text.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_split(root: Path, split: str, *names: str) -> None:
    """The split file."""
    (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
