"""Which engine computes: torch where it is installed, else numpy."""

from importlib.util import find_spec

from backend.engines.protocol import Engine
from shared.errors import PlacidError

ENGINES = ("numpy", "torch")


def has_torch() -> bool:
    """Whether PyTorch is installed; looking does not import it."""
    return find_spec("torch") is not None


def choose_engine(device: str | None = None, name: str | None = None) -> Engine:
    """An engine for a device.

    Args:
        device: cpu, cuda or mps; the best there is if None.
        name: one of `ENGINES`; the best there is if None.

    Raises:
        PlacidError: `unknown_device` or `no_torch` for what is not there.
    """
    if name == "torch" or (name is None and has_torch()):
        return _torch_engine(device)
    if device not in (None, "cpu"):
        raise PlacidError(
            "unknown_device",
            f"without PyTorch there is no device {device!r}; leave the device out, or set up the "
            "Full Backend in Placid's preferences",
        )
    from backend.engines.numpy_engine.engine import NumpyEngine

    return NumpyEngine()


def _torch_engine(device: str | None) -> Engine:
    if not has_torch():
        raise PlacidError(
            "no_torch",
            "this needs PyTorch, which is not installed here; set up the Full Backend in Placid's "
            "preferences, or install Placid's requirements",
        )
    from backend.engines.torch_engine import TorchEngine

    return TorchEngine(device)
