"""`backend download` against a host on this machine: what users meet, good and bad."""

import hashlib
import pickle
from pathlib import Path

import pytest
from clip_files import write_clip
from command_line import run_backend
from miniature_host import COMMIT, Host, files_below, serving, write_table, zipped
from official_files import BAMM_FOLDER, write_release

from backend.checkpoints.download import install as installing
from backend.checkpoints.download.record import FILE, Record
from backend.checkpoints.download.sources import known_hashes
from backend.checkpoints.download.table import TABLE, Table, read_table
from backend.checkpoints.download.transfer import Limits, Wanted, fetch
from backend.commands import download as command
from backend.text.clip_files import REVISION
from shared.errors import PlacidError

MOMASK, CLIP = "miniature/momask", "miniature/clip"
QUICK = Limits(answer_seconds=5, window_seconds=0.3, lowest_rate=1000, attempts=3)
BIG = bytes(range(256)) * 2000
WANTED = "/owner/name/resolve/" + COMMIT + "/big.tar"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Files of a miniature MoMask, BAMM and CLIP."""
    root = write_release(tmp_path_factory.mktemp("official"))
    write_clip(root / "clip")
    return files_below(root)


@pytest.fixture
def host(release):
    host = Host()
    host.repositories[MOMASK] = {n: c for n, c in release.items() if n.startswith("t2m/")}
    host.repositories[CLIP] = {
        n.removeprefix("clip/"): c for n, c in release.items() if n.startswith("clip/")
    }
    inside = {
        f"{Path(BAMM_FOLDER).name}/{Path(n).relative_to(BAMM_FOLDER).as_posix()}": c
        for n, c in release.items()
        if n.startswith(BAMM_FOLDER)
    }
    host.drive["bamm"] = zipped(inside | {"__MACOSX/._opt.txt": b"x", "notes.md": b"x"})
    host.repositories["owner/name"] = {"big.tar": BIG}
    with serving(host):
        yield host


@pytest.fixture
def table(host, tmp_path):
    """The shipped table's form with the miniature's addresses."""
    bamm = {"host": "drive", "id": "bamm", "archive": "bamm.zip", "to": "log/t2m/t2m"}
    networks = ["rvq", "masked", "residual", "length"]
    releases = {
        "momask": (["clip"], networks, [{"host": "hub", "id": MOMASK}]),
        "bamm": (["momask", "clip"], ["bamm"], [bamm]),
        "clip": ([], [], [{"host": "hub", "id": CLIP, "to": "clip"}]),
    }
    return write_table(tmp_path / "releases.toml", host, releases)


@pytest.fixture
def only_fetching(monkeypatch):
    """The look and the fit at the end cost seconds, and are another test's matter."""
    monkeypatch.setattr(command, "_look", lambda folder, safety: None)


def download(folder, table, *names):
    return run_backend(
        "download", *names, "--checkpoints", folder, "--table", table, "--accept-licence"
    )


def test_one_command_gives_a_green_doctor_and_fitted_safety(host, table, tmp_path, release):
    folder = tmp_path / "checkpoints"
    code, told, errors = download(folder, table, "bamm")
    assert code == 0, errors
    assert "Licence of bamm." in told
    assert "Motions can be generated." in told
    assert run_backend("doctor", "--checkpoints", folder)[0] == 0
    edits = sorted(path.name for path in (folder / "edits").iterdir())
    assert edits == ["bamm-uce-violence.safetensors", "momask-uce-violence.safetensors"]
    laid = {n: c for n, c in files_below(folder).items() if not n.startswith((".", "edits"))}
    assert laid.keys() - {FILE} == release.keys()
    assert all(laid[name] == content for name, content in release.items())
    # Nothing but the folder, and the table that the test wrote.
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "releases.toml"}
    record = Record.load(folder)
    assert record.revisions[MOMASK] == COMMIT
    assert len(record.files) == len(host.repositories[MOMASK]) + len(host.repositories[CLIP]) + 1
    # Once more: everything is there, and nothing is asked for.
    host.asked.clear()
    code, told, _ = download(folder, table, "bamm", "momask", "clip")
    assert (code, host.asked) == (0, [])
    assert "files of bamm: there already" in told
    out = ("generate", "a person walks", "--seconds", "2", "--device", "cpu", "-o", tmp_path / "o")
    code, told, errors = run_backend(*out, "--model", "bamm", "--checkpoints", folder)
    assert code == 0, errors


def test_nothing_is_fetched_before_the_licence_is_accepted(host, table, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    folder = tmp_path / "checkpoints"
    code, told, errors = run_backend(
        "download", "momask", "--checkpoints", folder, "--table", table
    )
    assert code == 1
    assert "Licence of momask." in told
    assert "--accept-licence" in errors
    assert host.asked == []
    assert not folder.exists()


@pytest.mark.usefixtures("only_fetching")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("cut", "the same command goes on from there"),
        ("size", "bytes there instead of"),
        ("hash", "the host's own list says"),
        ("insecure", "which is not https"),
        ("loop", "infinite loop"),
        ("page", "a page instead of the file"),
        ("refused", "it answers 403"),
    ],
)
def test_a_host_that_misbehaves_is_said_in_one_sentence(host, table, tmp_path, fault, sentence):
    host.faults["latest.tar"] = fault
    folder = tmp_path / "checkpoints"
    code, _, errors = download(folder, table, "momask")
    # Behind what the progress bars left.
    line = errors[errors.index("backend: ") :].rstrip("\n")
    assert "\n" not in line
    assert code == 1
    assert sentence in line
    assert "latest.tar" in line
    assert "Traceback" not in errors
    assert not list(folder.rglob("latest.tar"))
    # The host mends its ways, and the same command ends well.
    host.faults.clear()
    assert download(folder, table, "momask")[0] == 0
    assert list(folder.rglob("latest.tar"))


@pytest.mark.usefixtures("only_fetching")
def test_a_redirect_within_https_or_this_machine_is_followed(host, table, tmp_path):
    host.faults["latest.tar"] = "redirect"
    assert download(tmp_path / "checkpoints", table, "momask")[0] == 0
    assert any(path.startswith("/elsewhere") for path, _ in host.asked)


def test_what_is_cut_goes_on_where_it_stopped(host, tmp_path):
    host.faults["big.tar"] = "cut"
    wanted, part = Wanted(host.address + WANTED, "big.tar"), tmp_path / "big.part"
    with pytest.raises(PlacidError, match=r"big\.tar could not be fetched.*are kept"):
        fetch(wanted, part, lambda done, whole: None, QUICK)
    assert part.read_bytes() == BIG[: len(BIG) // 2]
    host.faults.clear()
    fetch(wanted, part, lambda done, whole: None, QUICK)
    assert part.read_bytes() == BIG
    assert host.asked[-1][1] == f"bytes={len(BIG) // 2}-"


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(host, tmp_path):
    host.faults["big.tar"] = "cut"
    wanted, part = Wanted(host.address + WANTED, "big.tar"), tmp_path / "big.part"
    with pytest.raises(PlacidError):
        fetch(wanted, part, lambda done, whole: None, QUICK)
    host.faults.clear()
    host.repositories["owner/name"]["big.tar"] = BIG[::-1]
    fetch(wanted, part, lambda done, whole: None, QUICK)
    assert part.read_bytes() == BIG[::-1]


def test_a_host_that_is_too_slow_is_given_up_and_gone_on_with(host, tmp_path):
    host.faults["big.tar"] = "slow"
    wanted, part = Wanted(host.address + WANTED, "big.tar"), tmp_path / "big.part"
    with pytest.raises(PlacidError, match="which is too slow; what came is kept"):
        fetch(wanted, part, lambda done, whole: None, QUICK)
    assert 0 < part.stat().st_size < len(BIG)
    host.faults.clear()
    fetch(wanted, part, lambda done, whole: None, QUICK)
    assert part.read_bytes() == BIG


@pytest.mark.usefixtures("only_fetching")
def test_an_interruption_keeps_what_came(host, table, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints"
    real = installing.fetch

    def interrupted(wanted, part, report, limits):
        def stop(done, whole):
            report(done, whole)
            if "latest.tar" in wanted.name and done:
                raise KeyboardInterrupt

        real(wanted, part, stop, limits)

    monkeypatch.setattr(installing, "fetch", interrupted)
    code, told, _ = download(folder, table, "momask")
    assert code == 130
    assert "the same command goes on from there" in told
    assert not list(folder.rglob("latest.tar"))
    assert [path for path in (folder / ".downloads").glob("*.part") if path.stat().st_size]
    monkeypatch.undo()
    assert download(folder, table, "momask")[0] == 0
    assert not list((folder / ".downloads").glob("*.part"))


@pytest.mark.usefixtures("only_fetching")
def test_a_hash_is_recorded_at_first_sight_and_checked_ever_after(host, table, tmp_path):
    folder = tmp_path / "checkpoints"
    assert download(folder, table, "clip")[0] == 0
    config = folder / "clip" / "config.json"
    first = hashlib.sha256(config.read_bytes()).hexdigest()
    assert Record.load(folder).files[f"hub:{CLIP}/config.json"] == first
    config.unlink()
    host.repositories[CLIP]["config.json"] += b" "
    code, _, errors = download(folder, table, "clip")
    assert code == 1
    assert "this folder's downloads.json says" in errors
    assert not config.exists()
    # Nor does a new commit take the place of the recorded one.
    host.commit = "d" * 40
    code, _, errors = download(folder, table, "clip")
    assert code == 1
    assert "instead of cccccccccccc" in errors


@pytest.mark.usefixtures("only_fetching")
def test_a_file_of_ones_own_is_never_replaced(host, table, tmp_path, release):
    folder = tmp_path / "checkpoints"
    name = next(name for name in release if name.startswith("t2m/t2m") and name.endswith(".tar"))
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"my own")
    code, _, errors = download(folder, table, "momask")
    assert code == 1
    assert "which is there already" in errors
    assert (folder / name).read_bytes() == b"my own"


class _Evil:
    def __reduce__(self):
        return print, ("run",)


EVIL = pickle.dumps(_Evil(), protocol=2)


@pytest.mark.usefixtures("only_fetching")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped({"../../outside.tar": b"x"}), "leads out of its folder"),
        (zipped({"model/latest.tar": EVIL}), "runs no code from files"),
        (zipped({"readme.txt": b"x"}), "holds no network"),
        (b"no zip at all" * 100, "is no zip"),
    ],
)
def test_archives_that_are_hostile_or_something_else_are_refused(
    host, table, tmp_path, content, sentence
):
    host.drive["bamm"] = content
    folder = tmp_path / "checkpoints"
    code, _, errors = download(folder, table, "bamm")
    assert code == 1
    assert sentence in errors
    assert not (folder / "log").exists()
    assert not list(tmp_path.rglob("outside.tar"))
    assert "drive:bamm/bamm.zip" not in Record.load(folder).files


@pytest.mark.usefixtures("only_fetching")
def test_a_network_that_asks_for_code_is_not_installed(host, table, tmp_path):
    name = next(name for name in host.repositories[MOMASK] if name.endswith("latest.tar"))
    host.repositories[MOMASK][name] = EVIL
    folder = tmp_path / "checkpoints"
    code, told, errors = download(folder, table, "momask")
    assert code == 1
    assert "runs no code from files" in errors
    assert "run" not in told.split()
    assert not (folder / name).exists()


@pytest.mark.usefixtures("only_fetching")
def test_the_next_source_is_tried(host, table, tmp_path, monkeypatch):
    text = table.read_text(encoding="utf-8")
    first = "[[releases.bamm.parts.sources]]\n"
    broken = f'{first}host = "drive"\nid = "gone"\narchive = "gone.zip"\n'
    table.write_text(text.replace(first, broken + first), encoding="utf-8")
    code, told, errors = download(tmp_path / "checkpoints", table, "bamm")
    assert code == 0, errors
    assert "gone.zip could not be fetched" in told


def test_offline_it_ends_in_a_sentence_and_the_doctor_offers_the_command(table, tmp_path, host):
    text = table.read_text(encoding="utf-8").replace(host.address, "http://127.0.0.1:1")
    table.write_text(text, encoding="utf-8")
    folder = tmp_path / "checkpoints"
    code, _, errors = download(folder, table, "clip")
    assert code == 1
    assert "cannot be reached" in errors
    code, told, _ = run_backend("doctor", "--checkpoints", folder)
    assert code == 1
    for name in ("momask", "bamm", "evaluator", "clip"):
        assert f"`backend download {name} --checkpoints {folder}`" in told


def test_the_shipped_table_is_whole():
    table = read_table(TABLE)
    assert isinstance(table, Table)
    assert set(table.releases) == {"momask", "bamm", "clip", "evaluator"}
    for release in table.releases.values():
        assert release.licence
        assert set(release.needs) <= set(table.releases)
        for source in (source for part in release.parts for source in part.sources):
            assert bool(source.files) != bool(source.archive)
    [part] = table.releases["clip"].parts
    assert part.sources[0].revision == REVISION
    assert all(known_hashes(part.sources[0], name, Record()) for name in part.sources[0].files)


@pytest.mark.parametrize("place", ["../outside", "/outside", "c:/outside", "a\\\\..\\\\..\\\\b"])
def test_a_table_cannot_lead_out_of_the_folder(table, place):
    text = table.read_text(encoding="utf-8").replace('to = "clip"', f'to = "{place}"')
    table.write_text(text, encoding="utf-8")
    with pytest.raises(PlacidError, match="leads out of its folder"):
        read_table(table)


def test_hosts_without_encryption_are_refused(table, host):
    text = table.read_text(encoding="utf-8").replace(host.address, "http://example.org")
    table.write_text(text, encoding="utf-8")
    with pytest.raises(PlacidError, match="which is not https"):
        read_table(table)
