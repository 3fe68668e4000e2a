"""Zip files from visitors: a saved collection, or a collection in BEIR layout; read without trusting them.

No name may lead out of the folder, links are refused, and sizes are bounded twice: as the archive declares them,
before anything is unpacked, and as they come.
"""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from retriever.errors import RetrieverError, StorageError
from retriever.storage.snapshot import MANIFEST, OWN_FILE

MOST_FILES = 20  # of a saved collection
BYTES_A_BLOCK = 1 << 20  # bytes unpacked at a time


def pack_folder(folder: str | Path, target: str | Path) -> None:
    """Write a saved folder's files into a zip. Raises StorageError if the disk refuses."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
    except OSError as error:
        raise StorageError(f"Writing {Path(target).name} failed ({error.strerror}).") from error


def unpack_saved(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Read a zip that pack wrote into a folder, which must exist.

    Only files with names that save gives are taken, and no more than max_bytes are written, whatever the archive says
    of its sizes. Raises StorageError for anything else.
    """
    with open_archive(source) as archive:
        names = [member.filename for member in archive.infolist()]
        if not 0 < len(names) <= MOST_FILES or not all(name == MANIFEST or OWN_FILE.fullmatch(name) for name in names):
            raise StorageError(
                f"{Path(source).name} is not a saved collection; choose a zip downloaded from this page."
            )
        extract_members(archive, {name: name for name in names}, Path(folder), max_bytes)


@contextmanager
def open_archive(source: str | Path) -> Iterator[zipfile.ZipFile]:
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


def extract_members(archive: zipfile.ZipFile, wanted: Mapping[str, str], folder: Path, max_bytes: int) -> None:
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
            while block := source.read(BYTES_A_BLOCK):
                left -= len(block)
                if left < 0:
                    raise too_much
                file.write(block)
