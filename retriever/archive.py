"""A saved collection as one file: a zip of the folder that storage writes."""

import os
import zipfile
from pathlib import Path

from retriever.errors import StorageError
from retriever.storage import MANIFEST, OWN_FILE

MOST_FILES = 20


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

    Only plain files with names that save gives are taken, and no more than max_bytes are written, whatever the
    archive says of its sizes. Raises StorageError for anything else.
    """
    name = Path(source).name
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            known = [m for m in members if m.filename == MANIFEST or OWN_FILE.fullmatch(m.filename)]
            if len(known) != len(members) or not 0 < len(known) <= MOST_FILES:
                raise StorageError(f"{name} is not a saved collection; choose a zip downloaded from this page.")
            left = max_bytes
            for member in members:
                with archive.open(member) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise StorageError(f"{name} unpacks to more than {max_bytes / 1e6:.0f} MB; build it here instead.")
                (Path(folder) / os.path.basename(member.filename)).write_bytes(data)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise StorageError(f"{name} cannot be unpacked ({error}); download it again.") from error
    except Exception as error:  # zlib.error and whatever else damaged bytes lead to
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{name} is damaged ({type(error).__name__}); download it again.") from error
