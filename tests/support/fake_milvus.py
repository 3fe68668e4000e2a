"""A Milvus server in memory: what the page asks of one, with a time for every search, and one that can go away."""

import time
from types import SimpleNamespace

import numpy as np

from retriever.indexes.base import empty_neighbors
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.connection import NoAnswer, NoCollection
from ui.milvus.server import LabMilvus
from ui.settings import MilvusAddress

ADDRESS = MilvusAddress("http://milvus.test:19530", token="root:secret-of-the-lab")


class FakeMilvus:
    """A server; away: whether it answers nothing; trip, work: seconds of a search, and of one in many vectors."""

    def __init__(self):
        self.collections, self.away, self.trip, self.work = {}, False, 0.0004, 0.0006
        self.segments, self.searches, self.calls = 1, 0, []

    def knock(self):
        if self.away:
            raise NoAnswer("The Milvus server at http://milvus.test:19530 cannot be reached; see whether it runs.")

    def call(self, doing, method, name=None, *args, **options):
        self.calls.append((method, name))
        self.knock()
        return getattr(self, f"_{method}")(name, *args, **options)

    def _get_server_version(self, _):
        return "3.2.2"

    def _has_collection(self, name):
        return name in self.collections

    def _create_collection(self, name, dimension):
        self.collections[name] = {}

    def _upsert(self, name, rows):
        self.collections[name] |= {row["id"]: row for row in rows}

    def _load_collection(self, name):
        assert name in self.collections

    def _get(self, name, ids, output_fields):
        rows = self.collections[name]
        return [{field: rows[one][field] for field in output_fields} for one in ids if one in rows]

    def _list_collections(self, _):
        return list(self.collections)

    def _drop_collection(self, name):
        self.collections.pop(name, None)


class FakeIndex:
    """An index of the server, with the calls of MilvusIndex."""

    def __init__(self, server, name, *, dimension, M=16, ef_construction=200):
        server.knock()
        self.server, self.name, self.dimension = server, name, dimension
        self.M, self.ef_construction = M, ef_construction
        server.collections.setdefault(name, None)

    def __len__(self):
        return len(self._index or ())

    @property
    def _index(self):
        self.server.knock()
        if self.name not in self.server.collections:
            raise NoCollection("The Milvus server at http://milvus.test:19530 has no such collection.")
        return self.server.collections[self.name]

    def add(self, vectors, *, progress=None, longest):
        assert self._index is None
        for fraction in (0.25, 0.5, 0.75):
            self.server.knock()
            if progress:
                progress(fraction)
        graph = HNSWIndex(np.array(vectors), M=self.M, ef_construction=self.ef_construction, seed=7)
        self.server.collections[self.name] = graph

    def search_unit(self, unit, k, *, ef, timeout):
        index = self._index
        self.server.searches += 1
        time.sleep(self.server.trip + (self.server.work if len(index) > 1 else 0))
        return index.search_unit(unit, k, ef=max(ef, k)) if len(index) else empty_neighbors(len(unit), k)

    def layout(self):
        rows = len(self._index) // self.server.segments
        return MilvusLayout("3.2.2", 1, (rows,) * self.server.segments)


def fake_milvus(monkeypatch):
    """Return a server in memory, and the lab's view of it, whose thread is not started."""
    server = FakeMilvus()

    def connect(uri, *, token, timeout, ca):
        assert (uri, token) == (ADDRESS.uri, ADDRESS.token)
        server.knock()
        return server

    def open_index(uri, name, *, dimension, token, exact, timeout, ca, **graph):
        assert (uri, token, exact) == (ADDRESS.uri, ADDRESS.token, False)
        return FakeIndex(server, name, dimension=dimension, **graph)

    monkeypatch.setattr("ui.milvus.server.MilvusConnection", connect)
    monkeypatch.setattr("ui.milvus.server.MilvusIndex", open_index)
    return SimpleNamespace(server=server, lab=LabMilvus(ADDRESS))
