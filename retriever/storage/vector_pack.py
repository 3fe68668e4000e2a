"""A pack of vectors made beforehand: by the SHA-256 of a text, and the fingerprint of the encoder that made them.

    manifest.json     the shape, and of each file below its size and SHA-256
    keys.bin          the first 16 bytes of each text's SHA-256, in ascending order
    vectors-1.bin     (n, dim) float32 unit rows of the first fingerprint, bit for bit
    vectors-2.bin     (n, dim) int16: what those of the second fingerprint differ by, in steps of 2**-18

The second encoder has the same weights and computes in another precision, so that its vectors are close to the first
ones, and their differences take half the room. Arrays are stored as planes of bytes, compressed: signs and exponents
lie together then.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.errors import StorageError, VectorError
from retriever.storage.passage_lines import parse_json
from retriever.storage.saved_folder import DAMAGE
from retriever.storage.untrusted_files import check_file, short_reason
from retriever.vectors import Float32, check_vectors, normalize

FORMAT, FORMAT_VERSION = "dense-retrieval-lab-vectors", 1
MANIFEST, KEYS = "manifest.json", "keys.bin"
KEY_BYTES = 16
STEP = 2.0**-18  # of the differences: a score is off by some millionths
MAX_NUMBERS = 50_000_000  # in an array of a pack, so that a forged one cannot fill the memory
MAX_MANIFEST_BYTES = 100_000


def text_key(text: str) -> bytes:
    """Return the key of a text as the model reads it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


@dataclass(frozen=True, eq=False)
class VectorPack:
    """The vectors of one encoder. rows: key of a text -> row of vectors. vectors: (n, dim) float32 unit rows."""

    rows: Mapping[bytes, int]
    vectors: Float32

    def vectors_of(self, texts: Iterable[str]) -> dict[str, Float32]:
        """Return the vectors, (dim,) each, of those texts that the pack holds."""
        found = {text: self.rows.get(text_key(text)) for text in texts}
        return {text: self.vectors[row] for text, row in found.items() if row is not None}


def write_vector_pack(folder: Path, texts: Iterable[str], vectors: Mapping[str, Float32]) -> None:
    """Write a pack into a folder; the same input makes the same files.

    vectors: fingerprint -> (n_texts, dim) unit rows, of at most two fingerprints; the first are kept bit for bit.
    Raises VectorError if the second differ from them by an eighth or more in a component, which is not mere precision.
    """
    keys = [text_key(text) for text in texts]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    first, *others = (np.ascontiguousarray(made[order], "<f4") for made in vectors.values())
    arrays: list[NDArray[Any]] = [first]
    for other in others:
        steps = np.rint((other.astype(np.float64) - first) / STEP)
        if np.abs(steps).max() > np.iinfo(np.int16).max:
            raise VectorError("The vectors of both fingerprints are too far apart; wanted those of the same weights.")
        arrays.append(steps.astype("<i2"))
    files = {KEYS: b"".join(keys[row] for row in order)}
    files |= {f"vectors-{number}.bin": _packed(array) for number, array in enumerate(arrays, 1)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "shape": list(first.shape),
        "fingerprints": list(vectors),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_vector_pack(folder: Path, fingerprint: str) -> VectorPack | None:
    """Return the pack's vectors of an encoder; None if there is no pack, or none of these vectors in it.

    Raises StorageError for a pack that is damaged or of another format.
    """
    if not (folder / MANIFEST).exists():
        return None
    try:
        check_file(folder / MANIFEST)
        manifest = parse_json(_read_bounded(folder / MANIFEST, MAX_MANIFEST_BYTES).decode())
        if (manifest["format"], manifest["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError("it is of another format")
        if fingerprint not in manifest["fingerprints"]:
            return None
        return _read_pack(folder, manifest, manifest["fingerprints"].index(fingerprint))
    except (OSError, zlib.error, *DAMAGE) as error:
        raise StorageError(
            f"The vector pack in {folder.name} is damaged ({short_reason(error)}); fetch or make it again."
        ) from error


def _read_pack(folder: Path, manifest: Mapping[str, Any], place: int) -> VectorPack:
    """Return the vectors of the fingerprint in a place of the manifest. Raises ValueError if they are damaged."""
    n_rows, dimension = manifest["shape"]
    if not (type(n_rows) is type(dimension) is int and 0 < n_rows * dimension <= MAX_NUMBERS and n_rows > 0):
        raise ValueError(f"its shape is {manifest['shape']!r}")
    files = manifest["files"]
    keys = _read_part(folder, KEYS, files, n_rows * KEY_BYTES)
    rows = {keys[KEY_BYTES * row :][:KEY_BYTES]: row for row in range(n_rows)}
    if len(rows) != n_rows or len(keys) != n_rows * KEY_BYTES:
        raise ValueError("its keys are not one a row")
    size = n_rows * dimension
    vectors = _unpacked(_read_part(folder, "vectors-1.bin", files, 5 * size), "<f4", size).astype(np.float32)
    if place:
        steps = _unpacked(_read_part(folder, f"vectors-{place + 1}.bin", files, 3 * size), "<i2", size)
        vectors = (vectors + steps * STEP).astype(np.float32)
    return VectorPack(rows, normalize(check_vectors(vectors.reshape(n_rows, dimension), what="vectors of the pack")))


def _read_part(folder: Path, name: str, files: Mapping[str, Any], most: int) -> bytes:
    """Return a file's content. Raises ValueError unless it is what the manifest says and has at most `most` bytes."""
    entry = files[name]
    check_file(folder / name, entry["bytes"])
    data = _read_bounded(folder / name, most)
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ValueError(f"the SHA-256 of {name} differs")
    return data


def _read_bounded(path: Path, most: int) -> bytes:
    """Return a file's content. Raises ValueError if it has more than `most` bytes."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} has more than {most:,} bytes")
    return data


def _packed(array: NDArray[Any]) -> bytes:
    """Return an array's numbers as planes of bytes, compressed."""
    planes = np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.itemsize).T
    return zlib.compress(planes.tobytes(), 9)


def _unpacked(data: bytes, kind: str, size: int) -> NDArray[Any]:
    """Return the `size` numbers that _packed compressed. Raises ValueError or zlib.error if there are others."""
    dtype = np.dtype(kind)
    expander = zlib.decompressobj()
    planes = expander.decompress(data, size * dtype.itemsize)
    if not expander.eof and (expander.decompress(expander.unconsumed_tail, 1) or not expander.eof):
        raise ValueError("it unpacks to more numbers than its shape has")
    if len(planes) != size * dtype.itemsize:
        raise ValueError("it unpacks to fewer numbers than its shape has")
    return np.frombuffer(np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, -1).T.tobytes(), dtype)
