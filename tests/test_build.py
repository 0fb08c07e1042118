"""The entry point: what it stages, what it writes into the manifest, and how it refuses."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging import tags
from packaging.utils import parse_wheel_filename

import build
from shared import VERSION
from shared.blenders import BLENDERS, NEWEST, OLDEST, PLATFORMS, PYTHONS


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder instead of the checkout's own."""
    monkeypatch.setattr(build, "WORK", tmp_path / "work")
    return tmp_path / "work"


def test_the_staged_extension_carries_shared_backend_and_licence(tmp_path: Path) -> None:
    package = build.stage_addon(tmp_path)
    assert package == tmp_path / "placid"
    for name in (
        "__init__.py",
        "blender_manifest.toml",
        "shared/motion/motion.py",
        "backend/__init__.py",
        "backend/requirements.txt",
        "LICENSE",
        "credits.md",
    ):
        assert (package / name).is_file(), name
    assert not list(package.rglob("__pycache__"))


# What the extension carries for the Full Backend alone.
TORCH_MODULES = (
    "backend.checkpoints.official.",
    "backend.engines.torch_engine",
    "backend.models.",
    "backend.text.clip",
)
TORCH_FREE_MODELS = (
    "backend.models.configs",
    "backend.models.positions",
    "backend.models.reference_quirks",
)
IMPORT_ALL = """
import importlib, sys
blocked = set(sys.argv[2].split(","))
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is not in Blender's Python")
sys.meta_path.insert(0, Blocker())
sys.path.insert(0, sys.argv[1])
for name in sys.stdin.read().split():
    importlib.import_module(name)
"""


def staged_modules(package: Path) -> list[str]:
    """Every module of `backend` and `shared` in a staged extension."""
    files = [*(package / "backend").rglob("*.py"), *(package / "shared").rglob("*.py")]
    names = [".".join(file.relative_to(package).with_suffix("").parts) for file in files]
    return sorted(name.removesuffix(".__init__") for name in names)


def test_what_the_extension_carries_imports_without_what_blenders_python_lacks(
    tmp_path: Path,
) -> None:
    package = build.stage_addon(tmp_path)
    modules = staged_modules(package)
    rooms = {name.split(".")[1] for name in modules if name.startswith("backend.")}
    assert rooms == {*build.EXTENSION_ROOMS, "datasets"}
    assert [name for name in modules if name.startswith("backend.datasets.")] == [
        "backend.datasets.actions",
        "backend.datasets.phrases",
    ]
    needs_torch = [
        name for name in modules if name.startswith(TORCH_MODULES) and name not in TORCH_FREE_MODELS
    ]
    others = [name for name in modules if name not in needs_torch and "__main__" not in name]
    lacking = "platformdirs,rich,safetensors,scipy,smplx,tokenizers,torch,tqdm,transformers,typer"
    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_ALL, str(package), lacking],
        input="\n".join(others),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert len(others) > 120


def test_staging_again_leaves_nothing_of_the_last_time(tmp_path: Path) -> None:
    package = build.stage_addon(tmp_path)
    (package / "stale.py").touch()
    build.stage_addon(tmp_path)
    assert not (package / "stale.py").exists()


def test_the_manifest_names_every_wheel_and_platform(tmp_path: Path) -> None:
    package = build.stage_addon(tmp_path)
    before = tomllib.loads((package / "blender_manifest.toml").read_text())
    wheel = tmp_path / "demo-1.0-cp311-cp311-win_amd64.whl"
    wheel.write_bytes(b"wheel")
    build.add_wheels(package, [wheel])
    manifest = tomllib.loads((package / "blender_manifest.toml").read_text())
    assert manifest.pop("wheels") == [f"./wheels/{wheel.name}"]
    assert manifest.pop("platforms") == list(PLATFORMS)
    assert manifest == before
    assert (package / "wheels" / wheel.name).read_bytes() == b"wheel"


def test_there_is_one_version() -> None:
    assert build.project_version() == VERSION
    assert f"## {VERSION} (" in (build.CHECKOUT / "docs" / "changelog.md").read_text()
    assert f"placid-{VERSION}.zip" in (build.CHECKOUT / "README.md").read_text()


def test_versions_that_differ_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("shared/__init__.py", "pyproject.toml", "CITATION.cff"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(build.CHECKOUT / place, tmp_path / place)
    (tmp_path / "blender_addon").mkdir()
    (tmp_path / "blender_addon" / "blender_manifest.toml").write_text('id = 1\nversion = "9.9.9"')
    monkeypatch.setattr(build, "CHECKOUT", tmp_path)
    with pytest.raises(build.BuildError, match=r"9\.9\.9 in blender_addon/blender_manifest\.toml"):
        build.project_version()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# Changelog\n\n## 1.0 (2026-01-02)\n\n- Motion.\n", ""),
        ("# Changelog\n\n## 1.0 (unreleased)\n\n- Motion.\n", "first section has to be"),
        ("# Changelog\n\n## 0.9 (2026-01-02)\n\n- Motion.\n", "first section has to be"),
        ("# Changelog\n", "first section has to be"),
        ("## 1.0 (2026-01-02)\n\n## 0.9 (2026-01-01)\n\n- Old.\n", "says nothing of 1.0"),
    ],
)
def test_a_release_needs_its_section_in_the_changelog(text: str, problem: str) -> None:
    if not problem:
        build.check_changelog(text, "1.0")
        return
    with pytest.raises(build.BuildError, match=problem):
        build.check_changelog(text, "1.0")


def test_a_release_of_uncommitted_or_released_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"status": " M build.py", "tag": ""}
    monkeypatch.setattr(build, "_git", lambda verb, *_: answers[verb])
    monkeypatch.setattr(build, "check_changelog", lambda *_: None)
    assert build.main(["release"]) == 1
    assert "commit them" in capsys.readouterr().err
    answers |= {"status": "", "tag": f"v{VERSION}"}
    assert build.main(["release"]) == 1
    assert "is released already" in capsys.readouterr().err


def test_a_release_holds_every_zip_and_its_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []

    def pack(output: Path, split: bool) -> list[Path]:
        output.mkdir(parents=True)
        made = [output / name for name in (("a.zip", "b.zip") if split else ("all.zip",))]
        for path in made:
            path.write_text(path.name)
        return made

    monkeypatch.setattr(build, "_git", lambda *arguments: calls.append(arguments) or "")
    monkeypatch.setattr(build, "check_changelog", lambda *_: None)
    monkeypatch.setattr(build, "project_version", lambda: "1.0")
    monkeypatch.setattr(build, "build_extension", pack)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "changelog.md").touch()
    monkeypatch.setattr(build, "CHECKOUT", tmp_path)
    monkeypatch.setattr(build, "WORK", tmp_path / "work")
    assert build.main(["release"]) == 0
    lines = (tmp_path / "dist" / "SHA256SUMS").read_text().splitlines()
    assert {line.split()[1] for line in lines} == {"a.zip", "b.zip", "all.zip"}
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((tmp_path / "dist" / name).read_bytes()).hexdigest() == digest
    assert calls[-1] == ("tag", "--annotate", "v1.0", "--message", "Placid 1.0")


def test_the_extension_and_the_backend_use_the_same_wire_libraries() -> None:
    pinned = {line.split()[0] for line in build.REQUIREMENTS.read_text().splitlines() if line}
    assert {library.split("==")[0] for library in build.ADDON_LIBRARIES} == {"msgspec", "pyzmq"}
    assert set(build.ADDON_LIBRARIES) <= pinned


def test_wheels_of_the_zip_are_fetched_by_their_hashes(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    lists: list[str] = []

    def pretend(command: list[str], _: build.Environment) -> None:
        commands.append(command)
        lists.append(Path(command[command.index("-r") + 1]).read_text())

    monkeypatch.setattr(build, "run_logged", pretend)
    wheels = build.fetch_wheels(Path("python"))
    assert {wheel.name for wheel in wheels} == set(build.WHEELS)
    assert len(commands) == len(PYTHONS) * len(PLATFORMS)
    for command in commands:
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(command)
    (text,) = set(lists)
    assert [line.split()[0] for line in text.splitlines()] == list(build.ADDON_LIBRARIES)
    assert set(re.findall(r"sha256:(\w{64})", text)) == set(build.WHEELS.values())


def tags_of(python: str, platform: str) -> set[tags.Tag]:
    """Every tag of a wheel that a Python takes on one of Blender's systems."""
    newest = PLATFORMS[platform]
    if newest.startswith("manylinux"):
        platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)]
    elif newest.startswith("macosx"):
        _, major, minor, machine = newest.split("_", 3)
        platforms = list(tags.mac_platforms((int(major), int(minor)), machine))
    else:
        platforms = [newest]
    major, minor = map(int, python.split("."))
    return set(tags.cpython_tags((major, minor), platforms=platforms))


def test_every_system_and_python_has_one_wheel_of_each_library() -> None:
    used: set[str] = set()
    for python in PYTHONS:
        for platform in PLATFORMS:
            takes = tags_of(python, platform)
            fitting = [name for name in build.WHEELS if parse_wheel_filename(name)[3] & takes]
            found = sorted("==".join(name.split("-")[:2]) for name in fitting)
            assert found == sorted(build.ADDON_LIBRARIES), f"{python} on {platform}: {fitting}"
            used |= set(fitting)
    assert used == set(build.WHEELS), "wheels that no Blender takes"


def test_blenders_are_named_alike_everywhere() -> None:
    def read(name: str) -> str:
        return (build.CHECKOUT / name).read_text(encoding="utf-8")

    names = [f"**{blender.name}**" for blender in BLENDERS]
    row = f"{', '.join(names[:-1])} and {names[-1]}"
    for document in ("README.md", "docs/manual.md"):
        assert row in " ".join(read(document).split()), document
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in read("docs/contributing.md").splitlines()
        if line.startswith(tuple(f"| Blender {blender.version}" for blender in BLENDERS))
    ]
    assert table == [
        [f"Blender {blender.name}", blender.python, f"bpy {blender.bpy}"] for blender in BLENDERS
    ]
    manifest = tomllib.loads(read("blender_addon/blender_manifest.toml"))
    assert manifest["blender_version_min"] == f"{OLDEST.version}.0"
    project = tomllib.loads(read("pyproject.toml"))
    assert project["project"]["requires-python"] == f">={OLDEST.python}"
    workflow = read(".github/workflows/test.yml")
    (matrix,) = re.findall(r"blender: (\[.*\])", workflow)
    assert re.findall(r'"([\d.]+)"', matrix) == [blender.version for blender in BLENDERS]
    (pythons,) = re.findall(r"python-version: \|\n((?: +[\d.]+\n)+)", workflow)
    assert sorted(pythons.split()) == sorted({blender.python for blender in BLENDERS})


@pytest.mark.parametrize(
    ("asked", "tested"),
    [
        ([], [OLDEST, NEWEST]),
        (["--blender", "all"], list(BLENDERS)),
        (["--blender", NEWEST.version], [NEWEST]),
    ],
)
def test_the_oldest_and_the_newest_blender_are_tested_unless_told_otherwise(
    asked: list[str], tested: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[build.Environment] = []
    monkeypatch.setattr(
        build, "ensure", lambda environment: made.append(environment) or Path("python")
    )
    ran: list[list[str]] = []
    monkeypatch.setattr(
        build.subprocess,
        "run",
        lambda command, **_: ran.append(command) or subprocess.CompletedProcess(command, 0),
    )
    assert build.main(["test", *asked]) == 0
    assert made == [build.BACKEND, *map(build.blender_environment, tested)]
    assert sum("tests/blender_addon" in command for command in ran) == len(tested)
    assert [environment.python for environment in made[1:]] == [it.python for it in tested]


def test_the_requirements_pin_every_direct_dependency() -> None:
    project = tomllib.loads((build.CHECKOUT / "pyproject.toml").read_text())["project"]
    text = "\n".join(path.read_text() for path in build.LISTS)
    names = {line.split("==")[0].lower() for line in text.splitlines()}
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for dependency in wanted:
        name = dependency.replace("<", ">").replace("=", ">").split(">")[0]
        assert name.lower() in names


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["demo"],
        ["demo", "a person walks", "--rig", "horse"],
        ["demo", "a person walks", "--seconds", "long"],
        ["addon", "--platform", "amiga"],
    ],
)
def test_wrong_arguments_end_with_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build.main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_without_python_3_11_it_says_how_to_get_it(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout="")
    monkeypatch.setattr(build.subprocess, "run", lambda *_, **__: answer)
    assert build.main(["test"]) == 1
    message = capsys.readouterr().err
    assert "needs Python 3.11" in message
    assert "pyenv install 3.11" in message
    assert message.count("\n") == 1
    assert not work.exists()
    with pytest.raises(
        build.BuildError, match=r"Blender 5\.2 and 5\.3 needs Python 3\.13.*--blender"
    ):
        build.find_python(NEWEST.python)


def test_an_interrupted_environment_is_made_afresh(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = build.Environment("small", "a small environment", ("nothing",))
    commands: list[list[str]] = []

    def pretend(command: list[str], _: build.Environment) -> None:
        commands.append(command)
        if "venv" in command:
            python = build.environment_python(work / "small")
            python.parent.mkdir(parents=True)
            python.touch()
        elif len(commands) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(build, "run_logged", pretend)
    monkeypatch.setattr(build, "find_python", lambda _: sys.executable)
    with pytest.raises(KeyboardInterrupt):
        build.ensure(environment)
    leftover = work / "small" / "leftover"
    leftover.touch()
    assert build.ensure(environment).exists()
    assert not leftover.exists()
    assert len(commands) == 4
    build.ensure(environment)
    assert len(commands) == 4
    build.ensure(environment._replace(packages=("something",)))
    assert len(commands) == 6


def test_a_failing_installation_is_one_sentence_and_a_log(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; print('ERROR: No space left'); sys.exit(1)"
    environment = build.Environment("small", "a small environment", ())
    with pytest.raises(build.BuildError, match=r"No space left.*small\.log.*run the same command"):
        build.run_logged([sys.executable, "-c", code], environment)
    assert "No space left" in (work / "small.log").read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(build, "WORK", blocked / "work")
    monkeypatch.setattr(build, "find_python", lambda _: sys.executable)
    assert build.main(["test"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("build.py: ")
    assert "run the same command again" in message


def test_all_stages_run_and_one_failure_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "ensure", lambda environment: Path(environment.name))
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert all(isinstance(part, str) for part in command)
        commands.append(command)
        return subprocess.CompletedProcess(command, int("format" in command))

    monkeypatch.setattr(build.subprocess, "run", run)
    assert build.main(["test"]) == 1
    parts = [" ".join(command) for command in commands]
    for tool in ("ruff check", "ruff format", "mypy", "importlinter", "pytest tests/blender_addon"):
        assert any(tool in part for part in parts), tool
    assert "-m pytest -n auto" in parts[-1]
    assert "failed so far: Checking the format (ruff)" in capsys.readouterr().out
