"""Forged graph files of hnswlib: any number in a file can be changed.

The layout is written here a second time, from hnswlib 0.8.0's source, independent of retriever/indexes/hnsw_file.py.
"""

import struct

import numpy as np

HEADER = "=6QiI3QdQ"
FIELDS = (
    "offset_level0", "max_elements", "count", "element_size", "label_offset", "vector_offset",
    "max_level", "entry_point", "max_m", "max_m0", "m", "mult", "ef_construction",
)  # fmt: skip
START = struct.calcsize(HEADER)


class GraphBytes:
    """The bytes of a graph file, and the offsets of its numbers."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.header = dict(zip(FIELDS, struct.unpack_from(HEADER, data), strict=True))
        self.n, self.m, self.stride = (self.header[name] for name in ("count", "m", "element_size"))
        self.sizes, self.levels = [], []  # offset of each element's size of upper links; its level
        place = START + self.n * self.stride
        for _ in range(self.n):
            (size,) = struct.unpack_from("=I", data, place)
            self.sizes.append(place)
            self.levels.append(size // (4 + 4 * self.m))
            place += 4 + size

    def set_header(self, **fields):
        self.header |= fields
        values = [value & (1 << 64) - 1 if isinstance(value, int) else value for value in self.header.values()]
        values[6:8] = [self.header["max_level"], self.header["entry_point"] & (1 << 32) - 1]
        struct.pack_into(HEADER, self.data, 0, *values)

    def put(self, place, kind, value):
        struct.pack_into("=" + kind, self.data, place, value)

    def get(self, place, kind):
        return struct.unpack_from("=" + kind, self.data, place)[0]

    def links(self, row, layer=0):
        """Return the offset of an element's list on a layer: its count, and 4 bytes later its links."""
        return START + row * self.stride if layer == 0 else self.sizes[row] + 4 + (layer - 1) * (4 + 4 * self.m)

    def label(self, row):
        return START + row * self.stride + self.header["label_offset"]

    def vector(self, row):
        return START + row * self.stride + self.header["vector_offset"]

    def upper(self):
        """Return the elements above the ground layer."""
        return [row for row, level in enumerate(self.levels) if level]

    def linked(self, layer):
        """Return the elements that have a link on a layer."""
        return [
            row for row, level in enumerate(self.levels) if level >= layer and self.get(self.links(row, layer), "H")
        ]


def link_to(target, layer):
    """Return a change: every element's first link on a layer gets another target."""

    def change(graph):
        for row in graph.linked(layer):
            graph.put(graph.links(row, layer) + 4, "I", target(graph) & 0xFFFFFFFF)

    return change


def count_of(count, layer):
    """Return a change: every element's list on a layer claims another length."""

    def change(graph):
        for row in graph.linked(layer):
            graph.put(graph.links(row, layer), "H", count(graph))

    return change


def header(**fields):
    return lambda graph: graph.set_header(**fields)


def not_above(graph):
    return graph.levels.index(0)


def labels(value):
    return lambda graph: graph.put(graph.label(graph.n // 2), "Q", value(graph))


def sizes(value):
    return lambda graph: graph.put(graph.sizes[graph.upper()[0]], "I", value(graph))


def size_taken(graph):
    """Move a level from the first element above the ground layer to the last element; the file keeps its length."""
    row, size = graph.upper()[0], 4 + 4 * graph.m
    lists = graph.data[graph.sizes[row] + 4 : graph.sizes[row] + 4 + size]
    graph.put(graph.sizes[row], "I", (graph.levels[row] - 1) * size)
    del graph.data[graph.sizes[row] + 4 : graph.sizes[row] + 4 + size]
    last = len(graph.data) - 4 - graph.levels[-1] * size
    graph.put(last, "I", (graph.levels[-1] + 1) * size)
    graph.data += lists


def fewer(graph):
    """Remove the last element, its data included."""
    graph.set_header(count=graph.n - 1)
    del graph.data[graph.sizes[-1] :]
    del graph.data[graph.links(graph.n - 1) : graph.links(graph.n)]


def no_elements(graph):
    graph.set_header(count=0)
    del graph.data[START:]


def vectors_of(value):
    def change(graph):
        for row in range(graph.n):
            graph.put(graph.vector(row), "f", value)

    return change


def random_links(graph):
    rng = np.random.default_rng(0)
    for row in range(graph.n):
        start = graph.links(row) + 4
        graph.data[start : start + 8 * graph.m] = rng.bytes(8 * graph.m)


def to_itself(graph):
    for row in range(graph.n):
        for link in range(graph.get(graph.links(row), "H")):
            graph.put(graph.links(row) + 4 + 4 * link, "I", row)


def deleted(graph):
    for row in range(graph.n):
        graph.put(graph.links(row) + 2, "B", 1)


UNSOUND = {
    "links just beyond the elements": link_to(lambda graph: graph.n, 0),
    "links far beyond the elements": link_to(lambda graph: 2**31 - 1, 0),
    "links to -1": link_to(lambda graph: -1, 0),
    "random links": random_links,
    "upper links just beyond the elements": link_to(lambda graph: graph.n, 1),
    "upper links far beyond the elements": link_to(lambda graph: 2**31 - 1, 1),
    "upper links to -1": link_to(lambda graph: -1, 1),
    "upper links to an element that is not there": link_to(not_above, 1),
    "longer lists than have room": count_of(lambda graph: 2 * graph.m + 1, 0),
    "lists as long as can be": count_of(lambda graph: 65535, 0),
    "longer upper lists than have room": count_of(lambda graph: graph.m + 1, 1),
    "upper lists as long as can be": count_of(lambda graph: 65535, 1),
    "an entry point just beyond the elements": lambda graph: graph.set_header(entry_point=graph.n),
    "an entry point of -1": header(entry_point=-1),
    "an entry point of -2": header(entry_point=-2),
    "an entry point on the ground": lambda graph: graph.set_header(entry_point=not_above(graph)),
    "an element above the entry point": lambda graph: graph.set_header(max_level=1, entry_point=graph.levels.index(1)),
    "a level more": lambda graph: graph.set_header(max_level=graph.header["max_level"] + 1),
    "a level less": lambda graph: graph.set_header(max_level=graph.header["max_level"] - 1),
    "two billion levels": header(max_level=2**31 - 1),
    "a level of -1": header(max_level=-1),
    "a level of -2^31": header(max_level=-(2**31)),
    "two equal labels": labels(lambda graph: graph.get(graph.label(0), "Q")),
    "a label beyond the elements": labels(lambda graph: graph.n),
    "a label of 2^63": labels(lambda graph: 2**63),
    "a label of 2^64 - 1": labels(lambda graph: 2**64 - 1),
    "a size that is no list's": sizes(lambda graph: 4 * graph.m + 3),
    "a size without end": sizes(lambda graph: 2**32 - 4),
    "a size on the ground": lambda graph: graph.put(graph.sizes[not_above(graph)], "I", 4),
    "a size of 0": sizes(lambda graph: 0),
    "a level moved to another element": size_taken,
    "an element less": fewer,
    "no elements": no_elements,
    "no elements but their data": header(count=0),
    "2^63 elements": header(count=2**63),
    "2^64 - 1 elements": header(count=2**64 - 1),
    "elements so many that their size overflows": lambda graph: graph.set_header(count=2**64 // graph.stride + 1),
    "an offset of level 0": header(offset_level0=8),
    "a huge offset of level 0": header(offset_level0=2**62),
    "elements of no size": header(element_size=0),
    "smaller elements": lambda graph: graph.set_header(element_size=graph.stride - 4),
    "huge elements": header(element_size=2**62),
    "labels elsewhere": lambda graph: graph.set_header(label_offset=graph.header["label_offset"] - 4),
    "labels far away": header(label_offset=2**62),
    "vectors elsewhere": lambda graph: graph.set_header(vector_offset=graph.header["vector_offset"] + 4),
    "vectors and labels elsewhere": lambda graph: graph.set_header(
        vector_offset=graph.header["vector_offset"] + 2**40, label_offset=graph.header["label_offset"] + 2**40
    ),
    "another maxM": lambda graph: graph.set_header(max_m=graph.m + 1),
    "a huge maxM": header(max_m=2**62),
    "no maxM": header(max_m=0),
    "another maxM0": lambda graph: graph.set_header(max_m0=2 * graph.m + 1),
    "a huge maxM0": header(max_m0=2**62),
    "another M": lambda graph: graph.set_header(m=graph.m + 1),
    "a huge M": header(m=2**62),
    "a mult of NaN": header(mult=float("nan")),
    "an infinite mult": header(mult=float("inf")),
    "a huge mult": header(mult=1e300),
    "a negative mult": header(mult=-1.0),
    "a mult of 0": header(mult=0.0),
    "a huge ef_construction": header(ef_construction=2**62),
    "no ef_construction": header(ef_construction=0),
    "elements marked as deleted": deleted,
    "vectors with NaN": vectors_of(float("nan")),
    "vectors with infinity": vectors_of(float("inf")),
}
HARMLESS = {
    "no room for more": header(max_elements=0),
    "room for 2^62 more": header(max_elements=2**62),
    "links to itself": to_itself,
    "no links": count_of(lambda graph: 0, 0),
    "no upper links": count_of(lambda graph: 0, 1),
    "links to the first only": link_to(lambda graph: 0, 0),
}


def forged(data, name):
    """Return a graph's bytes, changed as named."""
    graph = GraphBytes(data)
    (UNSOUND | HARMLESS | ELSEWHERE)[name](graph)
    return bytes(graph.data)


ELSEWHERE = {  # sound, but not over these vectors
    "vectors of 1": vectors_of(1.0),
    "two labels exchanged": lambda graph: exchange(graph, graph.label(0), graph.label(1), 8),
}


def exchange(graph, one, other, size):
    first, second = graph.data[one : one + size], graph.data[other : other + size]
    graph.data[one : one + size], graph.data[other : other + size] = second, first
