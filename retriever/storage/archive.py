"""Zip archives: packing a saved folder, and unpacking untrusted archives within limits.

Of a saved collection only files with names that save writes are unpacked. Sizes are limited twice: as the archive
declares them, before anything is unpacked, and by the bytes that are unpacked.
"""

import gzip
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from retriever.errors import RetrieverError, StorageError, shortage, system_reason
from retriever.storage.saved_folder import MANIFEST, OWN_FILE

MAX_FILES = 20  # in the archive of a saved collection
BYTES_PER_BLOCK = 1 << 20  # bytes unpacked at a time


def pack_folder(folder: str | Path, target: str | Path) -> None:
    """Write a saved folder's files into a zip archive. Raises StorageError if that fails, and leaves no part of it."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
    except OSError as error:
        Path(target).unlink(missing_ok=True)
        raise StorageError(
            f"Writing {Path(target).name} failed: {system_reason(error)}. Nothing of it stays."
        ) from error


def unpack_saved(source: str | Path, folder: str | Path, *, max_bytes: int) -> None:
    """Unpack a zip archive that pack_folder wrote into a folder, which must exist.

    Only files with names that save writes are accepted, and at most max_bytes are written, whatever sizes the archive
    declares. Raises StorageError for anything else.
    """
    with open_archive(source) as archive:
        names = [member.filename for member in archive.infolist()]
        if not 0 < len(names) <= MAX_FILES or not all(name == MANIFEST or OWN_FILE.fullmatch(name) for name in names):
            raise StorageError(
                f"{Path(source).name} is not a saved collection; choose a zip downloaded from this page."
            )
        extract_members(archive, {name: name for name in names}, Path(folder), max_bytes)


@contextmanager
def open_archive(source: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive. Raises StorageError for any error that damaged bytes cause, also while it is in use.

    A full disk is called that. A lack of memory, which says little about the archive, is raised as MemoryError.
    """
    name = Path(source).name
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (RetrieverError, MemoryError):
        raise
    except OSError as error:
        advice = "try again later" if shortage(error) else "download it again"
        raise StorageError(f"{name} cannot be unpacked ({system_reason(error)}); {advice}.") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise StorageError(f"{name} cannot be unpacked ({error}); download it again.") from error
    except Exception as error:  # zlib.error and others that damaged bytes cause
        raise StorageError(f"{name} is damaged ({type(error).__name__}); download it again.") from error


def extract_members(archive: zipfile.ZipFile, wanted: Mapping[str, str], folder: Path, max_bytes: int) -> None:
    """Write members of an archive into a folder; wanted: name in the archive -> name in the folder.

    A member that is packed with gzip and named so is unpacked, if its name in the folder is another. Raises
    StorageError if they have more than max_bytes together, or are not stored or deflated.
    """
    for member in wanted:
        if archive.getinfo(member).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StorageError(  # zipfile unpacks bzip2 and LZMA in one piece, however large
                f"The archive's {member[:80]} is packed in an unusual way; make the zip anew with an ordinary program."
            )
    too_much = StorageError(f"The archive unpacks to more than {max_bytes / 1e6:,.0f} MB; that much is not taken.")
    if sum(archive.getinfo(member).file_size for member in wanted) > max_bytes:
        raise too_much
    bytes_left = max_bytes
    for member, name in wanted.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        with archive.open(member) as source, target.open("wb") as file:
            packed = member.endswith(".gz") and not name.endswith(".gz")
            content: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=source) if packed else source
            while block := content.read(BYTES_PER_BLOCK):
                bytes_left -= len(block)
                if bytes_left < 0:
                    raise too_much
                file.write(block)
