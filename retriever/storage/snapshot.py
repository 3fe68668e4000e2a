"""A retriever saved as a folder of plain files, written atomically and verified when it is read.

    manifest.json                versions, model fingerprint, settings, and each file's SHA-256
    passages-<hash>.jsonl        one line per passage: {"text": ..., "metadata": {...}, "doc_id": ..., ...}
    vectors-<hash>.npy           (n, dim) float32 unit rows; other arrays likewise
    graph-<hash>.bin             in hnswlib's format

File names contain the hash of their content, and the manifest names the files that belong to the retriever. A save
writes its files beside the old ones, then replaces the manifest in one step, then deletes the files that it does not
name: a save killed at any point leaves either the old retriever or the new one complete.
"""

import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from retriever.documents.document import Passage
from retriever.errors import ParameterError, StorageError, VectorError, shortage, system_reason
from retriever.indexes.hnsw import HNSWIndex, check_graph_settings
from retriever.json_text import write_json
from retriever.run_record import versions
from retriever.storage.passage_lines import parse_json, read_passages, write_passages
from retriever.storage.untrusted_files import check_file, read_array, short_reason, sync_folder
from retriever.vectors import Float32, check_vectors

FORMAT, FORMAT_VERSION = "dense-retrieval-lab", 2
READABLE_VERSIONS = (1, 2)
MANIFEST = "manifest.json"
OWN_FILE = re.compile(r"[a-z_]+-[0-9a-f]{16}\.(npy|jsonl|bin)")
TEMPORARY_PREFIX = ".writing-"  # of the names of unfinished files
MAX_NAME_LENGTH = 500  # characters of a model's name, or of a fingerprint
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


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The content of a saved retriever.

    passages: one per row of vectors. vectors: (n, dim) float32. model_name, fingerprint: of the encoder.
    settings: M, ef_construction and seed. graph: None if it was not saved or not read. arrays: further float32 arrays
    by name. extra: any values that JSON can hold.
    """

    passages: Sequence[Passage]
    vectors: Float32
    model_name: str
    fingerprint: str
    settings: Mapping[str, int]
    graph: HNSWIndex | None
    arrays: Mapping[str, Float32] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_snapshot(folder: str | Path, snapshot: Snapshot) -> None:
    """Write a snapshot into a folder, made if missing; an earlier save in it stays complete until the last step.

    Raises StorageError if metadata cannot be written as JSON or a file cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"passages": _write_part(folder, "passages", "jsonl", write_passages(snapshot.passages))}
        for name, array in {"vectors": snapshot.vectors, **snapshot.arrays}.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            files[name] = _write_part(folder, name, "npy", buffer.getbuffer())
        if snapshot.graph is not None:
            with tempfile.TemporaryDirectory(dir=folder, prefix=TEMPORARY_PREFIX) as temporary:
                path = Path(temporary) / "graph"
                snapshot.graph.save(path)
                files["graph"] = _write_part(folder, "graph", "bin", path.read_bytes())
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "model": snapshot.model_name,
            "fingerprint": snapshot.fingerprint,
            "shape": list(snapshot.vectors.shape),
            "settings": dict(snapshot.settings),
            "versions": dict(versions()),
            "files": files,
            "extra": dict(snapshot.extra),
        }
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


def read_snapshot(folder: str | Path, *, with_graph: bool = True) -> Snapshot:
    """Return the snapshot that write_snapshot wrote, verified.

    A checksum proves that a file is unchanged, not who wrote it: so nothing in the files is executed, and nothing
    reaches hnswlib unchecked. with_graph: whether the graph is read. Raises StorageError for a folder that is missing,
    damaged, not a saved retriever, or written by a newer version; MemoryError if there is too little memory for it.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    try:
        return _read_parts(folder, manifest, with_graph)
    except DAMAGE as error:
        raise StorageError(
            f"The saved folder {folder.name} is damaged ({short_reason(error)}); build it again."
        ) from error


def _read_parts(folder: Path, manifest: Mapping[str, Any], with_graph: bool) -> Snapshot:
    """Return the snapshot that a manifest describes. Raises one of DAMAGE, or StorageError naming a file."""
    entries = dict(manifest["files"])
    lines = _read_part(folder, "passages", entries.pop("passages"))
    passages = list(read_passages(lines, manifest["format_version"]))
    graph_entry = entries.pop("graph", None)
    arrays = {part: read_array(_read_part(folder, part, entry)) for part, entry in entries.items()}
    vectors = arrays.pop("vectors")
    settings = {key: manifest["settings"][key] for key in ("M", "ef_construction", "seed")}
    check_graph_settings(**settings)
    names = manifest["model"], manifest["fingerprint"]
    if not all(isinstance(name, str) and len(name) <= MAX_NAME_LENGTH for name in names):
        raise ValueError("its model's name or fingerprint is no short text")
    if vectors.ndim != 2 or list(vectors.shape) != manifest["shape"] or len(passages) != len(vectors):
        raise ValueError("its parts do not fit together")
    vectors = check_vectors(vectors)
    graph = _load_graph(folder, graph_entry, vectors, settings) if with_graph and graph_entry is not None else None
    return Snapshot(passages, vectors, *names, settings, graph, arrays, dict(manifest.get("extra", {})))


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


def _read_manifest(folder: Path) -> dict[str, Any]:
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
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StorageError(f"{folder.name} was not written by this program; choose a folder that was written by save.")
    if manifest.get("format_version") not in READABLE_VERSIONS:
        raise StorageError(
            f"{folder.name} has format version {manifest.get('format_version')!r}, this program reads "
            f"versions up to {FORMAT_VERSION}; use the version that saved it, or build it again."
        )
    return manifest


def _read_part(folder: Path, part: str, entry: Mapping[str, Any]) -> bytes:
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


def _load_graph(folder: Path, entry: Mapping[str, Any], vectors: Float32, settings: Mapping[str, int]) -> HNSWIndex:
    """Return the graph after checking that its file is unchanged, safe to search, and over these vectors."""
    _read_part(folder, "graph", entry)
    return HNSWIndex.load(folder / entry["name"], dimension=vectors.shape[1], vectors=vectors, **settings)
