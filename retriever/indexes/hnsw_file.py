"""Checks of a graph file in hnswlib's format, made before hnswlib reads it.

hnswlib trusts every number in its file: a link to an element that does not exist, or is not on that layer, makes a
search read memory outside the graph, and the process may crash. The file holds a header; for each element its links on
the ground layer, its vector and its label, which is its id; then for each element its links on the upper layers, one
list per layer, preceded by their size in bytes. Source: saveIndex and loadIndex of hnswlib 0.8.0.
"""

import math
import struct

import numpy as np
from numpy.typing import NDArray

from retriever.vectors import Float32

UInt32 = NDArray[np.uint32]

HEADER = struct.Struct("=6QiI3QdQ")
NO_ELEMENT = 2**32 - 1  # the entry point of an empty graph, whose top layer is -1
LINK_BYTES = 4  # of a link, and of the count before a list of links


def read_checked_vectors(data: bytes, *, dimension: int, M: int, ef_construction: int) -> Float32:
    """Return the vectors in a graph file in order of their ids, (n, dimension), after checking the whole file.

    Raises ValueError with the reason for a file that hnswlib could not read and search safely.
    """
    n, top, entry_point = _read_header(data, dimension, M, ef_construction)
    ground = np.frombuffer(data, _element_dtype(dimension, M), n, HEADER.size)  # (n,) links, vector and label
    if ground["deleted"].any():
        raise ValueError("its elements are marked")
    if not np.array_equal(np.sort(ground["label"]), np.arange(n, dtype=np.uint64)):
        raise ValueError("its ids are not those of its vectors")
    levels, starts, upper = _read_upper_lists(data, HEADER.size + ground.nbytes, n, M)
    if n and (levels.max() != top or levels[entry_point] != top):
        raise ValueError("its entry point is not on its top layer")
    _check_links(ground["count"], ground["links"], levels, 0)
    for layer in range(1, top + 1):
        rows = upper[starts[levels >= layer][:, None] + (layer - 1) * (M + 1) + np.arange(M + 1)]  # (on layer, M + 1)
        _check_links(rows[:, 0] & 0xFFFF, rows[:, 1:], levels, layer)
    vectors = np.empty((n, dimension), np.float32)
    vectors[ground["label"].astype(np.int64)] = ground["vector"]
    if not np.isfinite(vectors).all():
        raise ValueError("its vectors are not finite")
    return vectors


def _read_header(data: bytes, dimension: int, M: int, ef_construction: int) -> tuple[int, int, int]:
    """Return the number of elements, the top layer and the entry point. Raises ValueError for a wrong header."""
    if len(data) < HEADER.size:
        raise ValueError("it is too short")
    level0, _, n, size, label, vector, top, entry_point, max_m, max_m0, m, mult, ef = HEADER.unpack_from(data)
    offsets = _offsets(dimension, M)
    if (level0, vector, label, size) != (0, *offsets):
        raise ValueError(f"its vectors have not {dimension} dimensions, or its M is not {M}")
    if (max_m, max_m0, m, ef) != (M, 2 * M, M, max(ef_construction, M)) or not math.isclose(mult, 1 / math.log(M)):
        raise ValueError(f"its settings are not M={M} and ef_construction={ef_construction}")
    if n * size > len(data) - HEADER.size:
        raise ValueError("it is too short for its elements")
    if not (top >= 0 and entry_point < n if n else (top, entry_point) == (-1, NO_ELEMENT)):
        raise ValueError("it begins at an element that it does not hold")
    return n, top, entry_point


def _offsets(dimension: int, M: int) -> tuple[int, int, int]:
    """Return the offsets in bytes of the vector and the label within an element, and the element's size."""
    vector = LINK_BYTES + LINK_BYTES * 2 * M
    label = vector + 4 * dimension
    return vector, label, label + 8


def _element_dtype(dimension: int, M: int) -> np.dtype[np.void]:
    """Return the layout of one element: link count, deletion mark, 2M links, vector, label."""
    vector, label, size = _offsets(dimension, M)
    return np.dtype(
        {
            "names": ["count", "deleted", "links", "vector", "label"],
            "formats": ["u2", "u2", ("u4", (2 * M,)), ("f4", (dimension,)), "u8"],
            "offsets": [0, 2, LINK_BYTES, vector, label],
            "itemsize": size,
        }
    )


def _read_upper_lists(data: bytes, offset: int, n: int, M: int) -> tuple[NDArray[np.int64], NDArray[np.int64], UInt32]:
    """Return each element's level (n,), the position of its first list (n,), and the numbers that positions refer to.

    Raises ValueError if the lists do not fill the rest of the file.
    """
    if (len(data) - offset) % LINK_BYTES:
        raise ValueError("its lists are cut off")
    numbers: UInt32 = np.frombuffer(data, np.uint32, offset=offset) if offset < len(data) else np.empty(0, np.uint32)
    levels, starts, position = np.zeros(n, np.int64), np.zeros(n, np.int64), 0
    for row in range(n):
        if position >= len(numbers):
            raise ValueError("it is too short for its lists")
        levels[row], remainder = divmod(int(numbers[position]), LINK_BYTES * (M + 1))
        if remainder:
            raise ValueError("the size of a list is none")
        starts[row] = position + 1
        position += 1 + int(levels[row]) * (M + 1)
    if position != len(numbers):
        raise ValueError("its lists have another length than they say")
    return levels, starts, numbers


def _check_links(counts: NDArray[np.unsignedinteger], links: UInt32, levels: NDArray[np.int64], layer: int) -> None:
    """Raise ValueError unless counts (rows,) fit links (rows, max_links) and all targets are on the layer."""
    filled = np.arange(links.shape[1]) < counts[:, None]
    targets = links[filled]
    if (counts > links.shape[1]).any() or (targets >= len(levels)).any() or (levels[targets] < layer).any():
        raise ValueError(f"a link on its layer {layer} leads nowhere")
