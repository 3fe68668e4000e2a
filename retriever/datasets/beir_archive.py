"""Unpacking of a BEIR collection from an untrusted zip file."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from retriever.datasets.beir import BEIR_FILES
from retriever.errors import CollectionError, StorageError
from retriever.storage.archive import extract_members, open_archive

MAX_ARCHIVE_MEMBERS = 10_000  # files in an archive


def unpack_beir(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Extract a BEIR collection's three files from a zip into an existing folder; other files are ignored.

    They may be in a folder of the archive, as in BEIR's own archives. Raises StorageError for an archive that is
    damaged, unsafe or unpacks to more than max_bytes, CollectionError for one without the three files.
    """
    with open_archive(source) as archive:
        _check_members(archive, Path(source).name)
        names = [member.filename for member in archive.infolist() if not member.filename.startswith("__MACOSX/")]
        roots = [PurePosixPath(name).parent for name in names if PurePosixPath(name).name == BEIR_FILES[0]]
        root = min(roots, key=lambda path: len(path.parts), default=PurePosixPath())
        wanted = {str(root / name): name for name in BEIR_FILES}
        missing = [name for member, name in wanted.items() if member not in names]
        if missing:
            raise CollectionError(
                f"{Path(source).name} holds no {' and no '.join(missing)}; a BEIR collection has corpus.jsonl, "
                "queries.jsonl and qrels/test.tsv, all in one folder. Zip that folder."
            )
        extract_members(archive, wanted, Path(folder), max_bytes)


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
