"""Zip files from visitors: a saved collection, or a collection in BEIR layout; read without trusting them.

No name may lead out of the folder, links are refused, and sizes are bounded twice: as the archive declares them,
before anything is unpacked, and as they come.
"""

import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from retriever.beir import FILES
from retriever.errors import CollectionError, RetrieverError, StorageError
from retriever.storage import MANIFEST, OWN_FILE

MOST_FILES = 20  # of a saved collection
MOST_MEMBERS = 10_000  # of any archive
BLOCK = 1 << 20  # bytes unpacked at a time


def pack(folder: str | Path, target: str | Path) -> None:
    """Write a saved folder's files into a zip. Raises StorageError if the disk refuses."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
    except OSError as error:
        raise StorageError(f"Writing {Path(target).name} failed ({error.strerror}).") from error


def unpack(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Read a zip that pack wrote into a folder, which must exist.

    Only files with names that save gives are taken, and no more than max_bytes are written, whatever the archive says
    of its sizes. Raises StorageError for anything else.
    """
    with _opened(source) as archive:
        names = [member.filename for member in archive.infolist()]
        if not 0 < len(names) <= MOST_FILES or not all(name == MANIFEST or OWN_FILE.fullmatch(name) for name in names):
            raise StorageError(
                f"{Path(source).name} is not a saved collection; choose a zip downloaded from this page."
            )
        _extract(archive, {name: name for name in names}, Path(folder), max_bytes)


def unpack_beir(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Read a BEIR collection's three files out of a zip into a folder, which must exist; others are passed over.

    They may stand in a folder of the archive, as they do in BEIR's own. Raises StorageError for an archive that is
    damaged, unsafe or too large, CollectionError for one that does not hold the three files.
    """
    with _opened(source) as archive:
        _check_members(archive, Path(source).name)
        names = [member.filename for member in archive.infolist() if not member.filename.startswith("__MACOSX/")]
        tops = [PurePosixPath(name).parent for name in names if PurePosixPath(name).name == FILES[0]]
        top = min(tops, key=lambda path: len(path.parts), default=PurePosixPath())
        wanted = {str(top / name): name for name in FILES}
        missing = [name for member, name in wanted.items() if member not in names]
        if missing:
            raise CollectionError(
                f"{Path(source).name} holds no {' and no '.join(missing)}; a BEIR collection has corpus.jsonl, "
                "queries.jsonl and qrels/test.tsv, all in one folder. Zip that folder."
            )
        _extract(archive, wanted, Path(folder), max_bytes)


@contextmanager
def _opened(source: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; whatever damaged bytes lead to becomes a StorageError."""
    name = Path(source).name
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except RetrieverError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise StorageError(f"{name} cannot be unpacked ({error}); download it again.") from error
    except Exception as error:  # zlib.error and whatever else damaged bytes lead to
        raise StorageError(f"{name} is damaged ({type(error).__name__}); download it again.") from error


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


def _extract(archive: zipfile.ZipFile, wanted: Mapping[str, str], folder: Path, max_bytes: int) -> None:
    """Write members (name in the archive -> name in the folder), at most max_bytes in all."""
    for member in wanted:
        if archive.getinfo(member).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StorageError(  # zipfile unpacks bzip2 and LZMA in one piece, however large
                f"The archive's {member[:80]} is packed in an unusual way; make the zip anew with an ordinary program."
            )
    too_much = StorageError(f"The archive unpacks to more than {max_bytes / 1e6:,.0f} MB; that much is not taken.")
    if sum(archive.getinfo(member).file_size for member in wanted) > max_bytes:
        raise too_much
    left = max_bytes
    for member, name in wanted.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        with archive.open(member) as source, target.open("wb") as file:
            while block := source.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise too_much
                file.write(block)
