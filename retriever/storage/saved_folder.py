"""A folder of plain files and a manifest, written atomically and verified when it is read: how retrievers are saved.

    manifest.json                format, versions, settings, and each file's SHA-256
    NAME-<hash>.SUFFIX           a part: "passages" (jsonl), arrays (npy), a graph (bin)

File names contain the hash of their content, and the manifest names the files that belong to the retriever. A save
writes its files beside the old ones, then replaces the manifest in one step, then deletes the files that it does not
name: a save killed at any point leaves either the old retriever or the new one complete.
"""

import hashlib
import os
import re
import reprlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retriever.errors import ParameterError, StorageError, VectorError, shortage, system_reason
from retriever.json_text import write_json
from retriever.run_record import versions
from retriever.storage.passage_lines import parse_json
from retriever.storage.untrusted_files import check_file, short_reason, sync_folder

LOADED_BY = {  # name of a format -> the class whose load reads it
    "dense-retrieval-lab": "DenseRetriever",
    "dense-retrieval-lab-bm25": "BM25Retriever",
    "dense-retrieval-lab-late-interaction": "LateInteractionRetriever",
}
MANIFEST = "manifest.json"
OWN_FILE = re.compile(r"[a-z_]+-[0-9a-f]{16}\.(npy|jsonl|bin)")
TEMPORARY_PREFIX = ".writing-"  # of the names of unfinished files
DAMAGE = (  # errors that damaged or forged files cause
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    EOFError,
    ParameterError,
    VectorError,
)

Part = tuple[str, str, bytes | memoryview]  # name, suffix and content of a file


@dataclass(frozen=True)
class Format:
    """A format of saved folders: its name, the version that is written, and those that are read.

    The versions are those of the lines of passages (see read_passages), so they count for all formats together.
    """

    name: str
    version: int
    readable: tuple[int, ...]


def write_folder(folder: Path, kind: Format, content: Mapping[str, Any], parts: Iterable[Part]) -> None:
    """Write parts and a manifest into a folder, made if missing; an earlier save in it stays complete until the end.

    content: what the manifest holds beside format, versions and files. parts: may be made one by one, to spare memory.
    Raises StorageError if the content cannot be written as JSON or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: _write_part(folder, name, suffix, data) for name, suffix, data in parts}
        head = {"format": kind.name, "format_version": kind.version}
        manifest = {**head, **content, "versions": dict(versions()), "files": files}
        sync_folder(folder)  # the files are on the disk before a manifest names them
        _replace_file(folder / MANIFEST, write_json(manifest, indent=2).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"The settings cannot be written as JSON ({error}); what was there is whole.") from error
    except OSError as error:
        raise StorageError(
            f"Saving into {folder.name} failed: {system_reason(error)}; what was there is whole."
        ) from error
    sync_folder(folder)  # and the manifest before the files of the old one are deleted
    sync_folder(folder.parent)  # the folder itself may be new
    _delete_unnamed(folder, {entry["name"] for entry in files.values()})


@contextmanager
def damage_named(folder: Path) -> Iterator[None]:
    """Raise what damaged or forged files cause as a StorageError that names the folder."""
    try:
        yield
    except DAMAGE as error:
        raise StorageError(
            f"The saved folder {folder.name} is damaged ({short_reason(error)}); build it again."
        ) from error


def read_manifest(folder: Path, kind: Format) -> dict[str, Any]:
    """Return the manifest. Raises StorageError if it is missing, unreadable, or of another format or version."""
    try:
        check_file(folder / MANIFEST)
        manifest = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(f"{folder.name} holds no {MANIFEST}; choose a folder that was written by save.") from error
    except (OSError, ValueError, RecursionError) as error:
        if lacking := shortage(error):
            raise StorageError(f"{folder.name} cannot be read now: {lacking}. Try again later.") from error
        raise StorageError(f"{MANIFEST} in {folder.name} cannot be read; save the retriever again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") not in list(LOADED_BY):  # any value, a list too
        raise StorageError(f"{folder.name} was not written by this program; choose a folder that was written by save.")
    if manifest["format"] != kind.name:
        raise StorageError(
            f"{folder.name} holds a {LOADED_BY[manifest['format']]}, not a {LOADED_BY[kind.name]}; "
            f"load it with {LOADED_BY[manifest['format']]}.load."
        )
    if manifest.get("format_version") not in kind.readable:
        raise StorageError(
            f"{folder.name} has format version {reprlib.repr(manifest.get('format_version'))}, this program reads "
            f"versions up to {kind.version}; use the version that saved it, or build it again."
        )
    return manifest


def read_part(folder: Path, part: str, entry: Mapping[str, Any]) -> bytes:
    """Return a part's bytes after comparing their size and SHA-256 with the manifest's entry.

    A file's name begins with its part, so that no manifest can make one file be read many times. Raises ValueError for
    a name that save never writes, StorageError for a missing or damaged file.
    """
    name = entry["name"]
    if not isinstance(name, str) or not OWN_FILE.fullmatch(name) or name.rpartition("-")[0] != part:
        raise ValueError("it names a file that save never writes")
    try:
        check_file(folder / name, entry["bytes"])
        data = (folder / name).read_bytes()
    except OSError as error:
        if lacking := shortage(error):
            raise StorageError(f"{folder.name} cannot be read now: {lacking}. Try again later.") from error
        raise StorageError(f"The file {name} of {folder.name} is missing; save the retriever again.") from error
    except ValueError as error:
        raise StorageError(
            f"The file {name} of {folder.name} is damaged ({short_reason(error)}); save it again."
        ) from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise StorageError(f"The file {name} of {folder.name} is damaged (its SHA-256 differs); save it again.")
    return data


def _write_part(folder: Path, name: str, suffix: str, data: bytes | memoryview) -> dict[str, Any]:
    """Write a file named by the hash of its content, and return its entry for the manifest."""
    digest = hashlib.sha256(data).hexdigest()
    file_name = f"{name}-{digest[:16]}.{suffix}"
    _replace_file(folder / file_name, data)
    return {"name": file_name, "sha256": digest, "bytes": len(data)}


def _replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write data to a path in one step; the data is on the disk before the name refers to it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY_PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _delete_unnamed(folder: Path, named: set[str]) -> None:
    """Delete the files of earlier saves that the manifest does not name; one that cannot be deleted does no harm."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if OWN_FILE.fullmatch(path.name) and path.name not in named or path.name.startswith(TEMPORARY_PREFIX):
                with suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
