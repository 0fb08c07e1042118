"""A studio's own extension repository: Blender installs from it over HTTP and updates itself."""

import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import build
from shared import VERSION

pytestmark = pytest.mark.slow

# In a Blender of its own, with an empty profile: what a user does by hand.
BLENDER = """
import json, sys
from pathlib import Path
import bpy

address, again = sys.argv[1:]
if again:  # what every Blender but the module does at its start
    bpy.ops.wm.read_userpref()
preferences = bpy.context.preferences
preferences.system.use_online_access = True
if not again:
    bpy.ops.preferences.extension_repo_add(
        name="Studio", remote_url=address, type="REMOTE", use_sync_on_startup=True)
(index,) = [i for i, repo in enumerate(preferences.extensions.repos) if repo.remote_url == address]
bpy.ops.extensions.repo_sync(repo_index=index)
if again:
    bpy.ops.extensions.package_upgrade_all()
else:
    bpy.ops.extensions.package_install(repo_index=index, pkg_id="placid", enable_on_install=True)
repo = preferences.extensions.repos[index]
package = Path(repo.directory) / "placid"
files = lambda: sorted(
    (str(path), path.stat().st_size) for path in package.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts)
before = files()
made = 0
if not again:
    import importlib
    placid = importlib.import_module(f"bl_ext.{repo.module}.placid")
    (take,) = placid.generate_blocking("a person walks", seconds=2, seed=1)
    made = take.action.frame_range[1]
bpy.ops.wm.save_userpref()
print("ANSWER", json.dumps({
    "files": before == files(), "frames": made, "folder": str(package),
    "manifest": (package / "blender_manifest.toml").read_text()}))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    assert build.main(["repository", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def address(repository: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(repository))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.json"
        server.shutdown()


def in_blender(profile: Path, address: str, again: str = "") -> dict[str, object]:
    """What a Blender with this profile answers; see `BLENDER`."""
    done = subprocess.run(
        [sys.executable, "-c", BLENDER, address, again],
        env={**build._plain_environment(), "BLENDER_USER_RESOURCES": str(profile)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    answer = re.search(r"(?m)^ANSWER (.*)$", done.stdout)
    assert answer is not None, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(answer[1])


def raise_version(archive: Path, version: str) -> None:
    """The same zip once more, as another version of it."""
    with (
        zipfile.ZipFile(archive) as old,
        zipfile.ZipFile(archive.with_name(f"placid-{version}.zip"), "w") as new,
    ):
        for item in old.infolist():
            content = old.read(item)
            if item.filename.endswith("blender_manifest.toml"):
                text = content.decode()
                content = text.replace(f'version = "{VERSION}"', f'version = "{version}"').encode()
            new.writestr(item, content)
    archive.unlink()


def test_a_studios_blender_installs_generates_and_updates_itself(
    repository: Path, address: str, tmp_path: Path
) -> None:
    listing = json.loads((repository / "index.json").read_text())
    (entry,) = listing["data"]
    assert (entry["id"], entry["version"]) == ("placid", VERSION)
    assert entry["python_versions"] == list(build.PYTHONS)
    assert entry["platforms"] == list(build.PLATFORMS)
    # What the README promises of the size, far below what the extension platform takes.
    assert entry["archive_size"] < 110e6
    assert "placid" in (repository / "index.html").read_text()

    first = in_blender(tmp_path, address)
    assert f'version = "{VERSION}"' in str(first["manifest"])
    assert first["frames"] > 20
    assert first["files"], "the extension wrote into its own folder"

    raise_version(next(repository.glob("placid-*.zip")), "99.0.0")
    build.index_repository(build.ensure(build.BLENDER), repository)
    second = in_blender(tmp_path, address, "again")
    assert 'version = "99.0.0"' in str(second["manifest"])
    assert second["folder"] == first["folder"]
