"""Forged graph files of hnswlib: any number in a file can be changed.

The layout is written here a second time, from hnswlib 0.8.0's source, independent of retriever/indexes/hnsw_file.py.
"""

import struct

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

    def targets(self, row, layer=0):
        """Return an element's links on a layer."""
        place = self.links(row, layer)
        return struct.unpack_from(f"={self.get(place, 'H')}I", self.data, place + 4)

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


def given(graph, value):
    return value(graph) if callable(value) else value


def put(kind, places, value):
    """Return a change: the numbers at some places become another, which may depend on the graph, as places do."""

    def change(graph):
        for place in places(graph):
            graph.put(place, kind, given(graph, value))

    return change


def header(**fields):
    return lambda graph: graph.set_header(**{name: given(graph, value) for name, value in fields.items()})


def link_to(target, layer=0):
    """Return a change: every element's first link on a layer gets another target."""
    return put("I", lambda graph: [graph.links(row, layer) + 4 for row in graph.linked(layer)], target)


def count_of(count, layer=0):
    """Return a change: every element's list on a layer claims another length."""
    return put("H", lambda graph: [graph.links(row, layer) for row in graph.linked(layer)], count)


def vectors_of(value):
    return put("f", lambda graph: map(graph.vector, range(graph.n)), value)


def label(value):
    return put("Q", lambda graph: [graph.label(graph.n // 2)], value)


def size(value):
    return put("I", lambda graph: [graph.sizes[graph.upper()[0]]], value)


def not_above(graph):
    return graph.levels.index(0)


def size_taken(graph):
    """Move a level from the first element above the ground layer to the last element; the file keeps its length."""
    row, taken = graph.upper()[0], 4 + 4 * graph.m
    lists = graph.data[graph.sizes[row] + 4 : graph.sizes[row] + 4 + taken]
    graph.put(graph.sizes[row], "I", (graph.levels[row] - 1) * taken)
    del graph.data[graph.sizes[row] + 4 : graph.sizes[row] + 4 + taken]
    last = len(graph.data) - 4 - graph.levels[-1] * taken
    graph.put(last, "I", (graph.levels[-1] + 1) * taken)
    graph.data += lists


def fewer(graph):
    """Remove the last element, its data included."""
    graph.set_header(count=graph.n - 1)
    del graph.data[graph.sizes[-1] :]
    del graph.data[graph.links(graph.n - 1) : graph.links(graph.n)]


def no_elements(graph):
    graph.set_header(count=0)
    del graph.data[START:]


def to_itself(graph):
    for row in range(graph.n):
        for link in range(graph.get(graph.links(row), "H")):
            graph.put(graph.links(row) + 4 + 4 * link, "I", row)


def exchanged_labels(graph):
    for row in (0, 1):
        graph.put(graph.label(row), "Q", 1 - row)


UNSOUND = {
    "links just beyond the elements": link_to(lambda graph: graph.n),
    "links far beyond the elements": link_to(2**31 - 1),
    "upper links just beyond the elements": link_to(lambda graph: graph.n, 1),
    "upper links to an element that is not there": link_to(not_above, 1),
    "longer lists than have room": count_of(lambda graph: 2 * graph.m + 1),
    "longer upper lists than have room": count_of(lambda graph: graph.m + 1, 1),
    "an entry point just beyond the elements": header(entry_point=lambda graph: graph.n),
    "an entry point on the ground": header(entry_point=not_above),
    "an element above the entry point": header(max_level=1, entry_point=lambda graph: graph.levels.index(1)),
    "a level more": header(max_level=lambda graph: graph.header["max_level"] + 1),
    "a level less": header(max_level=lambda graph: graph.header["max_level"] - 1),
    "a level of -1": header(max_level=-1),
    "two equal labels": label(lambda graph: graph.get(graph.label(0), "Q")),
    "a label beyond the elements": label(lambda graph: graph.n),
    "a label of 2^64 - 1": label(2**64 - 1),
    "a size that is no list's": size(lambda graph: 4 * graph.m + 3),
    "a size without end": size(2**32 - 4),
    "a size on the ground": put("I", lambda graph: [graph.sizes[not_above(graph)]], 4),
    "a size of 0": size(0),
    "a level moved to another element": size_taken,
    "an element less": fewer,
    "no elements": no_elements,
    "2^64 - 1 elements": header(count=2**64 - 1),
    "elements so many that their size overflows": header(count=lambda graph: 2**64 // graph.stride + 1),
    "an offset of level 0": header(offset_level0=8),
    "elements of no size": header(element_size=0),
    "labels elsewhere": header(label_offset=lambda graph: graph.header["label_offset"] - 4),
    "vectors far away": header(vector_offset=2**62),
    "another maxM": header(max_m=lambda graph: graph.m + 1),
    "a huge maxM0": header(max_m0=2**62),
    "another M": header(m=lambda graph: graph.m + 1),
    "a mult of NaN": header(mult=float("nan")),
    "a huge ef_construction": header(ef_construction=2**62),
    "elements marked as deleted": put("B", lambda graph: [graph.links(row) + 2 for row in range(graph.n)], 1),
    "vectors with NaN": vectors_of(float("nan")),
    "vectors with infinity": vectors_of(float("inf")),
}
HARMLESS = {
    "no room for more": header(max_elements=0),
    "room for 2^62 more": header(max_elements=2**62),
    "links to itself": to_itself,
    "no links": count_of(0),
    "no upper links": count_of(0, 1),
    "links to the first only": link_to(0),
}
ELSEWHERE = {"vectors of 1": vectors_of(1.0), "two labels exchanged": exchanged_labels}  # sound, but over other vectors


def forged(data, name):
    """Return a graph's bytes, changed as named."""
    graph = GraphBytes(data)
    (UNSOUND | HARMLESS | ELSEWHERE)[name](graph)
    return bytes(graph.data)
