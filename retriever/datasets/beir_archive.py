"""A BEIR collection in a zip file from a visitor, unpacked without trusting it."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from retriever.datasets.beir import BEIR_FILES
from retriever.errors import CollectionError, StorageError
from retriever.storage.archive import extract_members, open_archive

MOST_MEMBERS = 10_000  # of any archive


def unpack_beir(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Read a BEIR collection's three files out of a zip into a folder, which must exist; others are passed over.

    They may stand in a folder of the archive, as they do in BEIR's own. Raises StorageError for an archive that is
    damaged, unsafe or too large, CollectionError for one that does not hold the three files.
    """
    with open_archive(source) as archive:
        _check_members(archive, Path(source).name)
        names = [member.filename for member in archive.infolist() if not member.filename.startswith("__MACOSX/")]
        tops = [PurePosixPath(name).parent for name in names if PurePosixPath(name).name == BEIR_FILES[0]]
        top = min(tops, key=lambda path: len(path.parts), default=PurePosixPath())
        wanted = {str(top / name): name for name in BEIR_FILES}
        missing = [name for member, name in wanted.items() if member not in names]
        if missing:
            raise CollectionError(
                f"{Path(source).name} holds no {' and no '.join(missing)}; a BEIR collection has corpus.jsonl, "
                "queries.jsonl and qrels/test.tsv, all in one folder. Zip that folder."
            )
        extract_members(archive, wanted, Path(folder), max_bytes)


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    """Raise StorageError for too many members, a name that leads elsewhere, or a link."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise StorageError(f"{name} holds {len(members):,} files; at most {MOST_MEMBERS:,} are taken.")
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
