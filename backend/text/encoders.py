"""Which text encoder a checkpoint names."""

from pathlib import Path

from backend.engines.choose import has_torch
from backend.text.encoding import CLIP, MINILM, TextEncoder
from shared.errors import PlacidError


def clip_folder(checkpoint: Path) -> Path | None:
    """CLIP's folder beside the networks of a checkpoint, if there is one."""
    folder = checkpoint / "clip"
    return folder if folder.is_dir() else None


def make_encoder(
    name: str, folder: Path | None = None, allow_download: bool = False
) -> TextEncoder:
    """The encoder that a checkpoint names; `folder` and `allow_download` are for CLIP.

    Raises:
        PlacidError: for an unknown name, or when the encoder's files are missing.
    """
    # Each brings what it needs when it is asked for: torch for the one, tens of megabytes for both.
    if name == MINILM:
        from backend.text.sentence import SentenceEncoder

        return SentenceEncoder()
    if name == CLIP:
        if not has_torch():
            raise PlacidError(
                "no_torch",
                f"the text encoder {CLIP} needs PyTorch; set up the Full Backend in Placid's "
                "preferences",
            )
        from backend.text.clip import ClipEncoder

        return ClipEncoder(folder, allow_download)
    raise PlacidError(
        "unknown_encoder",
        f"the checkpoint was trained with the text encoder {name!r}, which this Placid does not "
        f"have; it has {MINILM} and {CLIP}: update Placid or use another "
        "checkpoint",
    )
