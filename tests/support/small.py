"""Small collections and hand-made measurements for tests of the page."""

import random

import numpy as np

from retriever.documents.document import Passage, ScoredPassage
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.retrievers.dense import DenseRetriever

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
WORDS = (
    "amber anchor apple arrow autumn badger barley basket beacon birch bottle breeze bridge bronze butter candle "
    "canyon carpet castle cedar cellar chapel cherry cinder circle clover coffee copper coral cotton cradle "
    "crystal dagger daisy desert dragon ember engine falcon feather fiddle flint forest fossil garden ginger "
    "glacier granite harbor hazel hollow honey island ivory jacket jasmine jungle kettle lantern lemon linen "
    "lizard magnet maple marble meadow mirror mosaic needle nickel oasis ocean olive orchid otter paddle parrot "
    "pebble pepper pigeon pillow planet pocket prairie quarry quartz rabbit raven ribbon river rocket saddle "
    "salmon sand satin shadow silver spider spruce summit sunset temple thistle thunder timber tulip tunnel "
    "turtle valley velvet violet walnut willow window winter wolf yarrow zebra "
).split()


def sentences(count, seed=7, length=9):
    """Return distinct sentences of random words: no two are near, which makes a poor graph miss many."""
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(length)).capitalize() + f" {number}." for number in range(count)]


def passage_of(text, *, shown="", doc_id="", title="", source="", span=None, **metadata):
    """Return a passage of a document, with everything else that is given as its metadata."""
    return Passage(shown or text, text, doc_id, doc_id, title, source, span, metadata)


def hit(text, score=0.5, **place):
    """Return a passage that a search found."""
    return ScoredPassage(passage_of(text, **place), score)


def collection_of(encoder, texts, *, queries=None, metadata=None, M=16, ef_construction=200, name="Small", **fields):
    """Return texts indexed as passages with the test's encoder."""
    retriever = DenseRetriever("fake", M=M, ef_construction=ef_construction, encoder=encoder)
    metadata = metadata or [
        {"doc_id": f"d{row}", "title": f"Text {row}", "source": "t.txt"} for row in range(len(texts))
    ]
    retriever.add([passage_of(text, **place) for text, place in zip(texts, metadata, strict=True)])
    retriever.build_graph()
    queries = queries or sentences(20, seed=99)
    settings = IndexSettings("fake", None, 0, M, ef_construction)
    fields = {"chunked": False, **fields}
    return IndexedCollection(
        name,
        retriever,
        settings,
        queries,
        encoder.encode_query(queries),
        n_documents=len(texts),
        n_tokens=sum(encoder.count_tokens(texts)),
        seconds={"reading": 0.25, "embedding": 12.0, "graph": 0.0005},
        **fields,
    )


def measurement(recall, seconds, distances=None, *, ef=10, k=10, neighbors=None):
    """Return a hand-made measurement; recall and seconds: a number, or one per query; distances: of every query."""
    recall = np.atleast_1d(np.asarray(recall, float))
    seconds = np.broadcast_to(np.asarray(seconds, float), recall.shape)
    if neighbors is None:
        empty = np.full((len(recall), k), NO_ID, np.int64)
        neighbors = Neighbors(empty, np.full(empty.shape, -np.inf, np.float32))
    counted = None if distances is None else np.full(recall.shape, float(distances))
    return Measurement(ef, k, recall, seconds, counted, neighbors)


def curve_of(*steps, k=10):
    """Return a hand-made curve from (ef, recall, microseconds), or (ef, recall, microseconds, distances)."""
    return [measurement(recall, micros / 1e6, *distances, ef=ef, k=k) for ef, recall, micros, *distances in steps]


def pair_of(recall, seconds, exact_seconds, *, distances=None, n=1_000, ef=10, k=10):
    """Return a hand-made measurement of both searches; values as of measurement, n: vectors that exact compares."""
    exact = measurement(np.ones(np.size(exact_seconds)), exact_seconds, n, ef=None, k=k)
    return PairedMeasurement(measurement(recall, seconds, distances, ef=ef, k=k), exact)
