"""A dense retriever saved as a folder of plain files (see saved_folder).

manifest.json                versions, model fingerprint, settings, and each file's SHA-256
passages-<hash>.jsonl        one line per passage: {"text": ..., "metadata": {...}, "doc_id": ..., ...}
vectors-<hash>.npy           (n, dim) float32 unit rows; other arrays likewise
graph-<hash>.bin             in hnswlib's format
"""

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from retriever.documents.document import Passage
from retriever.indexes.hnsw import HNSWIndex, check_graph_settings
from retriever.storage.passage_lines import read_passages, write_passages
from retriever.storage.saved_folder import (
    TEMPORARY_PREFIX,
    Format,
    Part,
    damage_named,
    read_manifest,
    read_part,
    write_folder,
)
from retriever.storage.untrusted_files import read_array
from retriever.vectors import Float32, check_vectors

FORMAT = Format("dense-retrieval-lab", version=2, readable=(1, 2))
MAX_NAME_LENGTH = 500  # characters of a model's name, or of a fingerprint


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
    content = {
        "model": snapshot.model_name,
        "fingerprint": snapshot.fingerprint,
        "shape": list(snapshot.vectors.shape),
        "settings": dict(snapshot.settings),
        "extra": dict(snapshot.extra),
    }
    write_folder(Path(folder), FORMAT, content, _parts(Path(folder), snapshot))


def read_snapshot(folder: str | Path, *, with_graph: bool = True) -> Snapshot:
    """Return the snapshot that write_snapshot wrote, verified.

    A checksum proves that a file is unchanged, not who wrote it: so nothing in the files is executed, and nothing
    reaches hnswlib unchecked. with_graph: whether the graph is read. Raises StorageError for a folder that is missing,
    damaged, not a saved retriever, or written by a newer version; MemoryError if there is too little memory for it.
    """
    folder = Path(folder)
    manifest = read_manifest(folder, FORMAT)
    with damage_named(folder):
        return _read_parts(folder, manifest, with_graph)


def _parts(folder: Path, snapshot: Snapshot) -> Iterator[Part]:
    """Yield the parts of a snapshot; the graph passes through a file, as hnswlib writes to nothing else."""
    yield "passages", "jsonl", write_passages(snapshot.passages)
    for name, array in {"vectors": snapshot.vectors, **snapshot.arrays}.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        yield name, "npy", buffer.getbuffer()
    if snapshot.graph is not None:
        with tempfile.TemporaryDirectory(dir=folder, prefix=TEMPORARY_PREFIX) as temporary:
            path = Path(temporary) / "graph"
            snapshot.graph.save(path)
            yield "graph", "bin", path.read_bytes()


def _read_parts(folder: Path, manifest: Mapping[str, Any], with_graph: bool) -> Snapshot:
    """Return the snapshot that a manifest describes. Raises one of DAMAGE, or StorageError naming a file."""
    entries = dict(manifest["files"])
    lines = read_part(folder, "passages", entries.pop("passages"))
    passages = list(read_passages(lines, manifest["format_version"]))
    graph_entry = entries.pop("graph", None)
    arrays = {part: read_array(read_part(folder, part, entry)) for part, entry in entries.items()}
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


def _load_graph(folder: Path, entry: Mapping[str, Any], vectors: Float32, settings: Mapping[str, int]) -> HNSWIndex:
    """Return the graph after checking that its file is unchanged, safe to search, and over these vectors."""
    read_part(folder, "graph", entry)
    return HNSWIndex.load(folder / entry["name"], dimension=vectors.shape[1], vectors=vectors, **settings)
