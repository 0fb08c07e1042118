"""The lists of libraries: pinned, hashed, complete without resolving, without a second index."""

import itertools
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.libraries import PIP_OPTIONS, count_libraries, library_lists

CHECKOUT = Path(__file__).parents[2]
REQUIREMENTS = CHECKOUT / "backend" / "requirements.txt"
FOR_TESTS = REQUIREMENTS.with_name("requirements-dev.txt")
LISTS = sorted(CHECKOUT.glob("b*/requirements*.txt"))
SYSTEMS = [
    ("linux", "Linux", "x86_64"),
    ("win32", "Windows", "AMD64"),
    ("darwin", "Darwin", "arm64"),
]


def _entries(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _names(lists: list[Path], environment: dict[str, str] | None = None) -> dict[str, str]:
    """Name to version of what the lists name, on one system if that is given."""
    lines = [line for path in lists for line in _entries(path) if not line.startswith("-")]
    parsed = [Requirement(line.partition("--hash")[0]) for line in lines]
    return {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==")
        for r in parsed
        if environment is None or r.marker is None or r.marker.evaluate(environment)
    }


@pytest.mark.parametrize("path", LISTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_everything_is_pinned_and_hashed_and_no_index_is_named(path: Path) -> None:
    entries = _entries(path)
    assert entries
    for line in entries:
        if line.startswith("-"):
            assert re.fullmatch(r"--find-links https://download\.pytorch\.org/whl/\w+/torch/", line)
            continue
        requirement, *hashes = re.split(r"\s+--hash=", line)
        assert re.fullmatch(r"[\w.-]+==[\w.+]+( ; .+)?", requirement.strip()), requirement
        assert hashes
        for value in hashes:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()), value


@pytest.mark.parametrize(
    ("system", "build", "driver", "names"),
    [
        ("linux", "auto", None, ["", "-torch-cpu"]),
        ("linux", "auto", "/bin/nvidia-smi", ["", "-torch", "-cuda"]),
        ("linux", "cpu", "/bin/nvidia-smi", ["", "-torch-cpu"]),
        ("linux", "cuda", None, ["", "-torch", "-cuda"]),
        ("win32", "auto", None, ["", "-torch"]),
        ("win32", "auto", "nvidia-smi.exe", ["", "-torch-cuda"]),
        ("win32", "cuda", None, ["", "-torch-cuda"]),
        ("darwin", "auto", None, ["", "-torch"]),
        ("darwin", "cuda", None, ["", "-torch"]),
    ],
)
def test_pytorchs_build_fits_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, build: str, driver: str | None, names: list[str]
) -> None:
    monkeypatch.setattr("shared.libraries.sys.platform", system)
    monkeypatch.setattr("shared.libraries.shutil.which", lambda _: driver)
    lists = library_lists(REQUIREMENTS, build)
    assert [path.name for path in lists] == [f"requirements{name}.txt" for name in names]
    assert all(path.is_file() for path in lists)
    assert count_libraries(lists) == len(_names(lists))


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system[1])
@pytest.mark.parametrize("build", ["cpu", "cuda"])
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_nothing_is_missing_though_nothing_is_resolved(
    monkeypatch: pytest.MonkeyPatch, system: tuple[str, str, str], build: str, python: str
) -> None:
    """What the installed libraries say that they need, on every system, is in the lists."""
    platform, name, machine = system
    monkeypatch.setattr("shared.libraries.sys.platform", platform)
    environment = {
        "sys_platform": platform,
        "platform_system": name,
        "platform_machine": machine,
        "os_name": "nt" if platform == "win32" else "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    pinned = _names([*library_lists(REQUIREMENTS, build), FOR_TESTS], environment)
    installed = {canonicalize_name(d.metadata["Name"]): d for d in metadata.distributions()}
    looked = 0
    for library in ("placid", *pinned):
        if library not in installed:
            continue
        looked += 1
        for line in installed[library].requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(environment):
                wanted = canonicalize_name(needed.name)
                assert wanted in pinned, f"{library} needs {needed.name} on {name}"
                assert needed.specifier.contains(pinned[wanted]), f"{library} needs {needed}"
    assert looked > 40


def test_every_build_of_pytorch_is_of_one_version() -> None:
    versions = {
        _names([REQUIREMENTS.with_name(f"requirements-torch{build}.txt")])["torch"].split("+")[0]
        for build in ("", "-cpu", "-cuda")
    }
    assert len(versions) == 1


def test_no_library_is_in_two_lists_that_are_installed_together() -> None:
    for build in ("cpu", "cuda"):
        lists = library_lists(REQUIREMENTS, build)
        for first, second in itertools.combinations(lists, 2):
            assert not set(_names([first])) & set(_names([second]))


def test_pip_is_told_to_install_these_files_alone() -> None:
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} == set(PIP_OPTIONS)
