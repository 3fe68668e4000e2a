"""A late-interaction retriever saved as a folder of plain files (see saved_folder).

manifest.json                  versions, model fingerprint, settings, and each file's SHA-256
passages-<hash>.jsonl          one line per passage
token_vectors-<hash>.npy       (n_tokens, dim) float16, those of one text after the other
token_counts-<hash>.npy        (n_texts,) int64, how many of them each text has
means-<hash>.npy               (n_texts, dim) float32, the mean vector of each text
rows-<hash>.npy                (n_passages,) int64, the number of each passage's text
cut-<hash>.npy                 int64, the numbers of the texts that the model read only the beginning of
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.documents.document import Passage
from retriever.indexes.maxsim import MaxSimIndex
from retriever.parameters import check_count
from retriever.storage.passage_lines import read_passages, write_passages
from retriever.storage.saved_folder import Format, Part, damage_named, read_manifest, read_part, write_folder
from retriever.storage.snapshot import MAX_NAME_LENGTH
from retriever.storage.untrusted_files import read_array_of
from retriever.vectors import Int64, check_vectors

FORMAT = Format("dense-retrieval-lab-late-interaction", version=2, readable=(2,))
ARRAYS = {"token_vectors": "<f2", "token_counts": "<i8", "means": "<f4", "rows": "<i8", "cut": "<i8"}
LOWEST = {"max_bytes": 0, "candidates": 1}  # values of the settings


@dataclass(frozen=True, eq=False)
class TokenSnapshot:
    """The content of a saved late-interaction retriever.

    index: of the different texts. rows: (n_passages,) the number of each passage's text in it. cut: the numbers of the
    texts that were cut. model_name, fingerprint: of the encoder. settings: max_bytes and candidates.
    """

    passages: Sequence[Passage]
    index: MaxSimIndex
    rows: Int64
    cut: Sequence[int]
    model_name: str
    fingerprint: str
    settings: Mapping[str, int]


def write_token_snapshot(folder: str | Path, snapshot: TokenSnapshot) -> None:
    """Write a snapshot into a folder, made if missing; an earlier save in it stays complete until the last step.

    Raises StorageError if metadata cannot be written as JSON or a file cannot be written.
    """
    content = {
        "model": snapshot.model_name,
        "fingerprint": snapshot.fingerprint,
        "settings": dict(snapshot.settings),
    }
    write_folder(Path(folder), FORMAT, content, _parts(snapshot))


def read_token_snapshot(folder: str | Path) -> TokenSnapshot:
    """Return the snapshot that write_token_snapshot wrote, verified; nothing in the files is executed.

    Raises StorageError for a folder that is missing, damaged, of another kind, or written by a newer version.
    """
    folder = Path(folder)
    manifest = read_manifest(folder, FORMAT)
    with damage_named(folder):
        files = manifest["files"]
        passages = list(read_passages(read_part(folder, "passages", files["passages"]), FORMAT.version))
        arrays = {name: read_array_of(read_part(folder, name, files[name]), kind) for name, kind in ARRAYS.items()}
        return _checked(manifest, passages, arrays)


def _parts(snapshot: TokenSnapshot) -> Iterator[Part]:
    """Yield the parts of a snapshot."""
    index = snapshot.index
    counts = [block.lengths for block in index.blocks]
    arrays: dict[str, NDArray[Any]] = {
        "token_counts": np.concatenate(counts) if counts else np.empty(0, np.int64),
        "means": np.ascontiguousarray(index.means),
        "rows": snapshot.rows,
        "cut": np.array(snapshot.cut, np.int64),
    }
    yield "passages", "jsonl", write_passages(snapshot.passages)
    buffer = io.BytesIO()
    shape = index.n_tokens, index.dimension
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f2", "fortran_order": False, "shape": shape})
    for block in index.blocks:
        buffer.write(np.ascontiguousarray(block.vectors, "<f2").data)
    yield "token_vectors", "npy", buffer.getbuffer()
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        yield name, "npy", buffer.getbuffer()


def _checked(
    manifest: Mapping[str, Any], passages: Sequence[Passage], arrays: Mapping[str, NDArray[Any]]
) -> TokenSnapshot:
    """Return the snapshot of a manifest and its parts. Raises one of DAMAGE if they do not fit together."""
    names = manifest["model"], manifest["fingerprint"]
    if not all(isinstance(name, str) and len(name) <= MAX_NAME_LENGTH for name in names):
        raise ValueError("its model's name or fingerprint is no short text")
    settings = {name: check_count(name, manifest["settings"][name], low) for name, low in LOWEST.items()}
    vectors, counts, rows, cut = (arrays[name] for name in ("token_vectors", "token_counts", "rows", "cut"))
    means = check_vectors(arrays["means"])
    fits = (
        counts.ndim == rows.ndim == cut.ndim == 1
        and vectors.shape == (counts.sum(), means.shape[1])
        and len(counts) == len(means)
        and len(rows) == len(passages)
        and bool(((counts > 0) & (counts <= len(vectors))).all())  # larger ones could add up to it by overflow
        and all(bool(((numbers >= 0) & (numbers < len(means))).all()) for numbers in (rows, cut))
    )
    if not fits or not np.isfinite(vectors).all():
        raise ValueError("its parts do not fit together")
    index = MaxSimIndex.restored(np.ascontiguousarray(vectors), counts, means, settings["max_bytes"])
    return TokenSnapshot(passages, index, rows, cut.tolist(), *names, settings)
