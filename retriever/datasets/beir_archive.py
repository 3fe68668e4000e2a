"""Unpacking of a BEIR collection from an untrusted zip file, which may hold several collections and splits."""

import stat
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from retriever.datasets.beir import CORPUS, QRELS, QUERIES, read_beir
from retriever.datasets.collection import Collection
from retriever.datasets.splits import choose_split, ordered_splits, split_name
from retriever.documents.parts import listed
from retriever.errors import CollectionError, PartError, StorageError
from retriever.storage.archive import extract_members, open_archive

MAX_ARCHIVE_MEMBERS = 10_000  # files in an archive
MAX_UNPACKED_BYTES = 20_000_000_000  # of an archive that the caller trusts
MAX_NAMED = 300  # characters of the names of collections in a message
TOP = "the top folder"  # name of a collection that is in no folder of the archive


@dataclass(frozen=True)
class ArchivedCollection:
    """A collection in an archive: the members that hold its documents and queries, and by split its judgments."""

    corpus: str
    queries: str
    qrels: Mapping[str, str]

    @property
    def splits(self) -> list[str]:
        """The splits of its judgments, in the order in which they are looked for."""
        return ordered_splits(self.qrels)


@dataclass(frozen=True)
class UnpackedPart:
    """What was unpacked of an archive: a collection and a split, and which others there are.

    collection: its folder in the archive; empty if it is the only one.
    """

    collection: str
    split: str
    collections: Sequence[str]
    splits: Sequence[str]


def archive_parts(source: str | Path) -> dict[str, list[str]]:
    """Return the collections in an archive, by the names of their folders, each with its splits, the usual one first.

    Raises StorageError for an archive that is damaged or unsafe, CollectionError for one without a collection.
    """
    with open_archive(source) as archive:
        return {name: found.splits for name, found in _collections(archive, Path(source).name).items()}


def unpack_beir(
    source: str | Path, folder: str | Path, *, max_bytes: int, collection: str = "", split: str = ""
) -> UnpackedPart:
    """Extract a BEIR collection's three files from a zip into an existing folder; other files are ignored.

    They may be in a folder of the archive, as in BEIR's own archives, and packed with gzip, which is undone.
    collection: the folder of one of several, or its last part. split: of qrels, by default test, else dev, else train.
    Raises StorageError for an archive that is damaged, unsafe or unpacks to more than max_bytes, CollectionError for
    one without the three files, PartError if it holds several collections, of which none was chosen, or not the chosen
    part.
    """
    with open_archive(source) as archive:
        where = Path(source).name
        collections = _collections(archive, where)
        name = _choose_collection(list(collections), collection, where)
        found = collections[name]
        chosen = choose_split(found.splits, split, where)
        wanted = {found.corpus: CORPUS, found.queries: QUERIES, found.qrels[chosen]: f"{QRELS}/{chosen}.tsv"}
        extract_members(archive, wanted, Path(folder), max_bytes)
    return UnpackedPart(name if len(collections) > 1 else "", chosen, list(collections), found.splits)


def read_beir_archive(
    source: str | Path, *, part: str = "", split: str = "", max_bytes: int = MAX_UNPACKED_BYTES
) -> Collection:
    """Return a collection of a zip in BEIR layout, as read_beir reads it, and as much of it unpacked as it needs.

    part: the folder of one of several collections. split: of qrels, by default test, else dev, else train. max_bytes:
    that are unpacked. Raises what unpack_beir and read_beir raise.
    """
    with tempfile.TemporaryDirectory() as folder:
        unpacked = unpack_beir(source, folder, max_bytes=max_bytes, collection=part, split=split)
        return read_beir(folder, unpacked.split, splits=unpacked.splits)


def _choose_collection(names: Sequence[str], wanted: str, where: str) -> str:
    """Return the collection that is wanted, or the only one. Raises PartError for none or several."""
    if not wanted and len(names) == 1:
        return names[0]
    fitting = [name for name in names if name == wanted] or [name for name in names if name.endswith(f"/{wanted}")]
    if not wanted or len(fitting) != 1:
        found = f"the collection {wanted!r} is not one of the {len(names)} in it" if wanted else ""
        found = found or f"it holds {len(names)} collections, which are not mixed"
        raise PartError(f"{where}: {found}; choose one of: {listed(names, MAX_NAMED)}.")
    return fitting[0]


def _collections(archive: zipfile.ZipFile, name: str) -> dict[str, ArchivedCollection]:
    """Return the complete collections in an archive by their folders. Raises CollectionError if there is none."""
    _check_members(archive, name)
    folders: dict[PurePosixPath, dict[str, str]] = {}
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if member.is_dir() or path.parts[:1] == ("__MACOSX",):
            continue
        part, folder = path.name.removesuffix(".gz"), path.parent
        if split := split_name(path.name) if folder.name == QRELS else "":
            part, folder = f"{QRELS}/{split}", folder.parent
        members = folders.setdefault(folder, {})
        if path.suffix != ".gz" or part not in members:  # what is not packed comes first
            members[part] = member.filename
    found = {
        TOP if folder == PurePosixPath() else str(folder): ArchivedCollection(
            members[CORPUS], members[QUERIES], _qrels_of(members)
        )
        for folder, members in folders.items()
        if not _missing(members)
    }
    if not found:
        with_corpus = [folder for folder, members in folders.items() if CORPUS in members]
        root = min(with_corpus, key=lambda path: len(path.parts), default=PurePosixPath())
        raise CollectionError(
            f"{name} holds no {' and no '.join(_missing(folders.get(root, {})))}; a BEIR collection has corpus.jsonl, "
            "queries.jsonl and qrels/test.tsv, all in one folder. Zip that folder."
        )
    return found


def _qrels_of(members: Mapping[str, str]) -> dict[str, str]:
    """Return the judgments among a folder's members, by split."""
    return {part.removeprefix(f"{QRELS}/"): member for part, member in members.items() if part.startswith(f"{QRELS}/")}


def _missing(members: Mapping[str, str]) -> list[str]:
    """Return what a folder lacks to be a collection."""
    missing = [part for part in (CORPUS, QUERIES) if part not in members]
    return missing if _qrels_of(members) else [*missing, f"{QRELS}/test.tsv"]


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    """Raise StorageError if there are too many members, a name that leads out of the folder, or a link."""
    members = archive.infolist()
    if len(members) > MAX_ARCHIVE_MEMBERS:
        raise StorageError(f"{name} holds {len(members):,} files; at most {MAX_ARCHIVE_MEMBERS:,} are taken.")
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise StorageError(
                f"{name} holds the name {member.filename[:80]!r}, which leads out of its folder; nothing was unpacked."
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise StorageError(
                f"{name} holds a link ({member.filename[:80]!r}); nothing was unpacked. Zip plain files."
            )
