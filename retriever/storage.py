"""A retriever on disk: a folder of plain files, written atomically and verified before use.

    manifest.json                versions, model fingerprint, settings, and each file's SHA-256
    passages-<hash>.jsonl        a line a text: {"text": ..., "metadata": {...}}
    vectors-<hash>.npy           (n, dim) float32 unit rows; other arrays the same way
    graph-<hash>.bin             hnswlib's own format

File names carry the hash of their content, and the manifest names the files that count. A save writes its files
beside the old ones, then replaces the manifest in one step, then deletes what no manifest names: a save killed at
any point leaves either the old retriever whole or the new one.
"""

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

from retriever.errors import ParameterError, StorageError, VectorError
from retriever.hnsw import HNSWIndex
from retriever.index import Float32
from retriever.record import versions

FORMAT, FORMAT_VERSION = "dense-retrieval-lab", 1
MANIFEST = "manifest.json"
OWN_FILE = re.compile(r"[a-z_]+-[0-9a-f]{16}\.(npy|jsonl|bin)")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Hold all that a saved retriever consists of.

    texts and metadata: one each a row of vectors, (n, dim). settings: M, ef_construction and seed. graph: None
    where it was not read. arrays: further float32 arrays by name. extra: anything JSON can hold.
    """

    texts: Sequence[str]
    metadata: Sequence[Mapping[str, Any]]
    vectors: Float32
    model_name: str
    fingerprint: str
    settings: Mapping[str, int]
    graph: HNSWIndex | None
    arrays: Mapping[str, Float32] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_snapshot(folder: str | Path, snapshot: Snapshot) -> None:
    """Write a snapshot into a folder, made if need be; what was saved there before stays whole until the last step.

    Raises StorageError if metadata cannot be written as JSON or the disk refuses.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"passages": _write(folder, "passages", "jsonl", _passages(snapshot))}
        for name, array in {"vectors": snapshot.vectors, **snapshot.arrays}.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            files[name] = _write(folder, name, "npy", buffer.getbuffer())
        if snapshot.graph is not None:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as temporary:
                path = Path(temporary) / "graph"
                snapshot.graph.save(path)
                files["graph"] = _write(folder, "graph", "bin", path.read_bytes())
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
        _replace(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"The settings cannot be written as JSON ({error}); what was there is whole.") from error
    except OSError as error:
        raise StorageError(f"Saving into {folder.name} failed ({error.strerror}); what was there is whole.") from error
    _delete_unnamed(folder, {entry["name"] for entry in files.values()})


def read_snapshot(folder: str | Path, *, with_graph: bool = True) -> Snapshot:
    """Read and verify what write_snapshot wrote.

    with_graph=False leaves the graph out, for folders of unknown origin: a checksum proves that a file is as it was
    written, not that hnswlib can read it without harm. Raises StorageError for a folder that is missing, damaged,
    foreign or written by a newer version.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    try:
        content = {name: _read(folder, entry) for name, entry in manifest["files"].items() if name != "graph"}
        passages = [json.loads(line) for line in content.pop("passages").decode().split("\n") if line]
        texts, metadata = [row["text"] for row in passages], [row["metadata"] for row in passages]
        arrays = {name: _array(name, data) for name, data in content.items()}
        vectors = arrays.pop("vectors")
        settings = {key: int(manifest["settings"][key]) for key in ("M", "ef_construction", "seed")}
        names = str(manifest["model"]), str(manifest["fingerprint"])
        well_formed = all(isinstance(t, str) for t in texts) and all(isinstance(m, dict) for m in metadata)
        if not well_formed or list(vectors.shape) != manifest["shape"] or vectors.ndim != 2:
            raise ValueError("its parts do not fit together")
        if len(texts) != len(vectors) or not np.isfinite(vectors).all():
            raise ValueError("its vectors do not fit its texts")
        graph = _graph(folder, manifest, vectors, settings) if with_graph and "graph" in manifest["files"] else None
        extra = dict(manifest.get("extra", {}))
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        RecursionError,
        EOFError,
        MemoryError,
        ParameterError,
        VectorError,
    ) as error:
        raise StorageError(f"The saved folder {folder.name} is damaged ({error}); build it again.") from error
    return Snapshot(texts, metadata, vectors, *names, settings, graph, arrays, extra)


def _passages(snapshot: Snapshot) -> bytes:
    lines = []
    for row, (text, metadata) in enumerate(zip(snapshot.texts, snapshot.metadata, strict=True)):
        try:
            line = json.dumps({"text": text, "metadata": dict(metadata)}, ensure_ascii=False)
            lines.append(line.encode("utf-8", "strict"))
        except (TypeError, ValueError, RecursionError) as error:
            raise StorageError(f"The text or metadata in row {row} cannot be written as JSON ({error}).") from error
    return b"".join(line + b"\n" for line in lines)


def _write(folder: Path, name: str, suffix: str, data: bytes | memoryview) -> dict[str, Any]:
    """Write one content-named file and return its entry for the manifest."""
    digest = hashlib.sha256(data).hexdigest()
    file_name = f"{name}-{digest[:16]}.{suffix}"
    _replace(folder / file_name, data)
    return {"name": file_name, "sha256": digest, "bytes": len(data)}


def _replace(path: Path, data: bytes | memoryview) -> None:
    """Put data under a name in one step, on the disk before it is visible."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
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
    """Delete files of earlier saves; a file that cannot be deleted does no harm."""
    for path in folder.iterdir():
        if OWN_FILE.fullmatch(path.name) and path.name not in named or path.name.startswith(".writing-"):
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError:
                continue


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(f"{folder.name} holds no {MANIFEST}; choose a folder that was written by save.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{MANIFEST} in {folder.name} cannot be read; save the retriever again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StorageError(f"{folder.name} was not written by this program; choose a folder that was written by save.")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise StorageError(
            f"{folder.name} has format version {manifest.get('format_version')!r}, this program reads "
            f"{FORMAT_VERSION}; use the version that saved it, or build it again."
        )
    return manifest


def _read(folder: Path, entry: Mapping[str, Any]) -> bytes:
    """Return a file's bytes once they have the size and the SHA-256 that the manifest gives."""
    name = entry["name"]
    if not isinstance(name, str) or not OWN_FILE.fullmatch(name):
        raise ValueError("it names a file that save never writes")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise StorageError(f"The file {name} of {folder.name} is missing; save the retriever again.") from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise StorageError(f"The file {name} of {folder.name} is damaged (its SHA-256 differs); save it again.")
    return data


def _array(name: str, data: bytes) -> NDArray[np.float32]:
    """Read one array; np.load would also open zips, which save never writes."""
    try:
        array: NDArray[np.float32] = read_array(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # a forged header leads to errors of many kinds
        raise ValueError(f"{name} are no array: {error}") from error
    if array.dtype != np.float32:
        raise ValueError(f"{name} are not float32")
    return array


def _graph(folder: Path, manifest: Mapping[str, Any], vectors: Float32, settings: Mapping[str, int]) -> HNSWIndex:
    entry = manifest["files"]["graph"]
    _read(folder, entry)
    graph = HNSWIndex.load(folder / entry["name"], dimension=vectors.shape[1], **settings)
    if len(graph) != len(vectors):
        raise ValueError(f"its graph holds {len(graph)} vectors, its matrix {len(vectors)}")
    return graph
