"""Where Placid runs: the one list of Blenders, Pythons and systems.

`build.py` makes the test environments and the extension's zip from it; the manifest, the workflows
and the documents are tested against it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Blender(NamedTuple):
    """A version of Blender that the extension is tested in.

    Attributes:
        name: as its makers call it.
        version: two numbers, such as `5.2`.
        bpy: the release of Blender as a Python module that is tested.
        python: the Python inside Blender's official builds, and of that module.
    """

    name: str
    version: str
    bpy: str
    python: str


# From the oldest to the newest.
BLENDERS: Final = (
    Blender("4.5 LTS", "4.5", "4.5.15", "3.11"),
    Blender("5.2 LTS", "5.2", "5.2.3", "3.13"),
    Blender("5.3", "5.3", "5.3.0", "3.13"),
)
OLDEST: Final = BLENDERS[0]
NEWEST: Final = BLENDERS[-1]

# Linux distributions build Blender for their own Python: Debian's Blender 5.2 runs 3.14.
DISTRIBUTION_PYTHONS: Final = ("3.14",)
PYTHONS: Final = tuple(
    dict.fromkeys((*(blender.python for blender in BLENDERS), *DISTRIBUTION_PYTHONS))
)

# Blender's name of each system, and the newest tag of wheels that runs wherever Blender 4.5 does:
# glibc 2.28, macOS 11.
PLATFORMS: Final[Mapping[str, str]] = {
    "linux-x64": "manylinux_2_28_x86_64",
    "macos-arm64": "macosx_11_0_arm64",
    "macos-x64": "macosx_11_0_x86_64",
    "windows-arm64": "win_arm64",
    "windows-x64": "win_amd64",
}


def blender_named(version: str) -> Blender:
    """The tested Blender of a version such as `5.2`."""
    return next(blender for blender in BLENDERS if blender.version == version)
