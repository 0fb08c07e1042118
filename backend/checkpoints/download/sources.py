"""What a source has to offer: addresses, sizes and hashes, as its host states them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from backend.checkpoints.download.record import Record
from backend.checkpoints.download.table import Source
from backend.checkpoints.download.transfer import LIMITS, Wanted, failed
from backend.text.hub import problem_of_host

_ANSWER_SECONDS = 15.0
# Sizes of zips are known in rounded megabytes, of 10^6 or of 2^20 bytes; nobody says which.
_SMALLEST, _LARGEST = 0.98e6, 1.02 * 2**20


@dataclass(frozen=True)
class Offer:
    """A file that can be fetched.

    Attributes:
        key: what the record calls it.
        name: its name below the source's folder.
        hashes: SHA-256 that are known of it, by who says so.
    """

    wanted: Wanted
    key: str
    name: str
    hashes: dict[str, str]


def key_of(source: Source, name: str) -> str:
    """What the record calls a file of a source."""
    return f"{source.host}:{source.id}/{name}"


def known_hashes(source: Source, name: str, record: Record) -> dict[str, str]:
    """SHA-256 of a file by who says so, without asking its host."""
    stated = source.sha256 if source.archive else source.files[name]
    recorded = record.files.get(key_of(source, name), "")
    known = {"Placid's table": stated, "this folder's downloads.json": recorded}
    return {who: value for who, value in known.items() if value}


def offers_of(source: Source, address: str, record: Record) -> list[Offer]:
    """Everything that a source has for its part.

    The commit of a repository that the table does not name is recorded.

    Raises:
        PlacidError: `download_failed` when the host cannot be reached, or has something else.
    """
    if problem := problem_of_host(address, _ANSWER_SECONDS):
        raise failed(Wanted(address, source.archive or source.id), problem, "try again online")
    if source.host == "drive":
        query = urlencode({"id": source.id, "export": "download", "confirm": "t"})
        sizes = int(source.megabytes * _SMALLEST), int(source.megabytes * _LARGEST)
        wanted = Wanted(
            f"{address}/download?{query}",
            source.archive,
            sizes if source.megabytes else (0, LIMITS.most_bytes),
        )
        name = source.archive
        return [Offer(wanted, key_of(source, name), name, known_hashes(source, name, record))]
    return _of_repository(source, address, record)


def _of_repository(source: Source, address: str, record: Record) -> list[Offer]:
    from huggingface_hub import HfApi, hf_hub_url

    asked = Wanted(address, source.id)
    pinned = source.revision or record.revisions.get(source.id, "")
    # A library's own zoo: no network, no such repository, an answer that is no JSON.
    try:
        info = HfApi(endpoint=address).model_info(
            source.id,
            revision=pinned or "main",
            files_metadata=True,
            timeout=_ANSWER_SECONDS,
            token=False,
        )
    except Exception as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise failed(asked, problem.rstrip("."), "try again later") from error
    commit = info.sha or ""
    if not commit or (pinned and commit != pinned):
        raise failed(
            asked,
            f"it has the revision {commit[:12] or '(none)'} instead of {pinned[:12] or 'a commit'}",
            "do not use this host",
        )
    there = {entry.rfilename: entry for entry in info.siblings or []}
    offers = []
    for name in source.files:
        if name not in there:
            raise failed(Wanted(address, name), f"{source.id} has no such file", "try again later")
        size, large = there[name].size, there[name].lfs
        hashes = known_hashes(source, name, record)
        if large is not None:
            hashes["the host's own list"] = large.sha256
        url = hf_hub_url(source.id, name, revision=commit, endpoint=address)
        sizes = (0, LIMITS.most_bytes) if size is None else (size, size)
        offers.append(Offer(Wanted(url, name, sizes), key_of(source, name), name, hashes))
    record.revisions[source.id] = commit
    return offers
