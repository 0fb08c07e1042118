"""The rules of Blender's extension platform that can be read off the build for it.

docs/publishing.md names each rule and how it is met.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import build

# Parts of the standard library, and others', that reach other computers.
NETWORK = {
    "aiohttp",
    "ftplib",
    "http",
    "huggingface_hub",
    "requests",
    "smtplib",
    "socket",
    "urllib",
}
# CLIP's files, for official checkpoints: only the command line may allow it in this build.
CLIP_DOWNLOAD = {"backend/text/clip_files.py", "backend/text/hub.py"}
# Where the Blender that films is told of the libraries; it is a process of its own.
FILMING_PROCESS = "shared/filming/process.py"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build for the platform, without wheels."""
    return build.stage_addon(tmp_path_factory.mktemp("stage"), platform_build=True)


@pytest.fixture(scope="module")
def sources(package: Path) -> dict[str, str]:
    """The text of every module in it."""
    return {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
    }


def imports(text: str) -> Iterator[str]:
    """The first name of each absolute import."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def containing(sources: dict[str, str], pattern: str) -> set[str]:
    """The modules in whose text a pattern is found."""
    return {name for name, text in sources.items() if re.search(pattern, text)}


def test_nothing_but_the_download_of_clip_reaches_other_computers(
    sources: dict[str, str],
) -> None:
    found = {name for name, text in sources.items() if NETWORK & set(imports(text))}
    assert found == CLIP_DOWNLOAD
    # ZeroMQ: this computer, or within the process.
    addresses = {
        address for text in sources.values() for address in re.findall(r"tcp://([^:\"]+)", text)
    }
    assert addresses == {"127.0.0.1"}


def test_no_code_is_fetched_and_nothing_updates_itself(sources: dict[str, str]) -> None:
    assert not containing(sources, r"""["'](pip|ensurepip|venv)["']""")
    assert not containing(sources, r"ops\.(extensions|preferences\.extension)|package_install")
    full = build.CHECKOUT / "blender_addon" / "link" / "environment.py"
    assert containing({"environment": full.read_text()}, r"""["'](pip|venv)["']""")


def test_the_full_backend_is_absent(package: Path) -> None:
    for pattern in build.NOT_ON_PLATFORM:
        assert list(build.CHECKOUT.glob(pattern)) or list(
            (build.CHECKOUT / "blender_addon").glob(pattern)
        ), f"{pattern} names nothing"
        assert not list(package.glob(pattern)), pattern


def test_the_search_path_is_left_alone(sources: dict[str, str]) -> None:
    assert containing(sources, r"sys\.path\s*(\.(append|insert|extend)|\[?.*\]?\s*\+?=[^=])") == {
        FILMING_PROCESS
    }


def test_files_are_kept_beside_the_package(sources: dict[str, str]) -> None:
    addon = {
        name: text for name, text in sources.items() if not name.startswith(("backend/", "shared/"))
    }
    assert containing(addon, r"extension_path_user\(") == {"link/paths.py"}
    # Who knows where the package lies, to read from there.
    assert containing(addon, r"__file__") == {
        "link/launch.py",
        "link/paths.py",
    }


def test_the_manifest_meets_the_rules(package: Path, sources: dict[str, str]) -> None:
    manifest = tomllib.loads((package / "blender_manifest.toml").read_text())
    assert "blender" not in manifest["name"].lower()
    assert "blender" not in manifest["id"]
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert len(manifest["tagline"]) <= 64
    permissions = manifest["permissions"]
    assert set(permissions) == {"network", "files", "clipboard"}
    for reason in permissions.values():
        assert 0 < len(reason) <= 64
        assert reason[-1].isalnum()
    assert {key: permissions[key] for key in build.PLATFORM_PERMISSIONS} == (
        build.PLATFORM_PERMISSIONS
    )
    assert containing(sources, r"window_manager\.clipboard") == {"features/backend/copy_report.py"}


def test_every_part_has_its_licence_in_the_package(package: Path) -> None:
    assert "GNU GENERAL PUBLIC LICENSE" in (package / "LICENSE").read_text()
    credits = (package / "credits.md").read_text()
    for library in build.ADDON_LIBRARIES:
        assert re.search(rf"\| {library.split('==')[0]} \| \S", credits), library
    assert build.SENTENCE_PACKAGE in credits


def test_each_rule_of_the_document_names_a_test_or_says_that_there_is_none() -> None:
    text = (build.CHECKOUT / "docs" / "publishing.md").read_text()
    rules = text.partition("\n## ")[0]
    rows = [line.split("|") for line in rules.splitlines() if re.match(r"\| [A-Z\"`]", line)]
    assert len(rows) >= 10
    for row in rows:
        tests = re.findall(r"`(test_\w+)`", row[3])
        assert tests or "by hand" in row[3] or "Blender's tool" in row[3], row[1]
        for test in tests:
            places = [Path(__file__), *Path(__file__).parent.rglob("test_*.py")]
            assert any(f"def {test}(" in place.read_text() for place in places), test


def test_modules_that_ask_for_blenders_version_are_named_in_the_design(
    sources: dict[str, str],
) -> None:
    design = (build.CHECKOUT / "docs" / "design.md").read_text()
    (decision,) = re.findall(r"(?s)One owner per Blender version difference.*?\n9\.", design)
    asking = containing(sources, r"bpy\.app\.version\b|hasattr\(render|hasattr\(editor")
    assert asking == set(
        re.findall(r"`((?:filming|core)/(?:render|engines|scene_end)\.py)`", decision)
    )
