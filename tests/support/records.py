"""Run records of every kind of result, made by the page's own code on the small sample."""

from functools import cache
from types import SimpleNamespace

from retriever.experiments.comparison import compare_retrievers
from retriever.experiments.judged_index import embed_judged_queries
from retriever.experiments.judged_searches import judged_searches
from retriever.experiments.search_comparison import compare_searches
from retriever.experiments.search_costs import measure_costs
from retriever.indexing.sample_cache import cached_sample
from retriever.measurement.sharding import sweep_shards
from retriever.measurement.sweeps import sample_vectors, sweep_graph_settings, sweep_sizes
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record
from ui.documents.records import build_record
from ui.inputs import SearchSettings
from ui.lessons.measurements.again import same_graph_again
from ui.lessons.measurements.recall import ef_below_k
from ui.lessons.measurements.walks import copies_found
from ui.recall.labs.build.records import build_lab_record
from ui.recall.labs.shard.records import shard_lab_record
from ui.recall.labs.size.records import size_lab_record
from ui.recall.records import ef_record
from ui.search.beside import CHOICES
from ui.search.records import search_record
from ui.search.third import answer_beside
from ui.walk.records import walk_record
from ui.walk.trace import hardest_queries, trace_question, trace_walk

QUESTION = 'how hot should the water be for "green" tea?\n\'\'\'"""\\'
K, EF = 10, 11
MINILM, WORDLLAMA = "all-MiniLM-L6-v2", "wordllama-256"
COMPARED = {
    "two models": [WORDLLAMA, MINILM],
    "three retrievers": [MINILM, "BM25", f"BM25 + {MINILM}"],
    "no model": ["BM25", f"{MINILM}, late interaction"],
}
KINDS = ["search", "search bm25", "search late", "measurement", "curve", "walk", "hardest walk"]
KINDS += ["build lab", "size lab", "shard lab", "build", *COMPARED, "ef below k", "copies", "graph again"]


@cache
def record_of(kind):
    """Return a record of one of KINDS."""
    indexed, asked = cached_sample("documents"), SearchSettings(K, EF)
    if kind.startswith("search"):
        return _search(indexed, asked, kind.removeprefix("search").strip())
    if kind in COMPARED:
        return comparison_of(indexed, COMPARED[kind])
    return {
        "measurement": lambda: ef_record(indexed, indexed.measurements.measure(K, EF), None),
        "curve": lambda: ef_record(indexed, indexed.measurements.measure(K, EF), indexed.measurements.counted_curve(K)),
        "walk": lambda: walk_record(trace_question(QUESTION, asked, indexed)),
        "hardest walk": lambda: _hardest_walk(indexed, asked),
        "build lab": lambda: _build_lab(indexed),
        "size lab": lambda: _size_lab(indexed),
        "shard lab": lambda: _shard_lab(indexed),
        "build": lambda: build_record(indexed),
        "ef below k": lambda: _lesson(ef_below_k, indexed, ef=3),
        "copies": lambda: _lesson(copies_found, indexed),
        "graph again": lambda: _lesson(same_graph_again, indexed, ef=EF),
    }[kind]()


def comparison_of(indexed, names, **parts):
    """Return the record of a comparison on a collection."""
    sides, base = judged_searches(indexed, names), embed_judged_queries(indexed)
    result = FinishedComparison(compare_retrievers(sides, K), 1.0, measure_costs(sides, K), base=base, **parts)
    return comparison_record(result, EF)


def _lesson(measure, indexed, **settings):
    """Return the record of a lesson's measurement."""
    collections = SimpleNamespace(indexed=lambda sample: indexed)
    return measure(collections, lambda stage, fraction: None, sample="documents", k=K, **settings).record


def _search(indexed, asked, beside):
    both = compare_searches(indexed.retriever, QUESTION, K, ef=EF)
    third = None
    if beside:
        made = CHOICES[beside].make(indexed, lambda stage, fraction: None)
        third = answer_beside(indexed, beside, made, QUESTION, K, both)
    return search_record(indexed, QUESTION, asked, both, third)


def _hardest_walk(indexed, asked):
    row = hardest_queries(indexed, asked, 1)[0]
    return walk_record(trace_walk(indexed.queries[row], indexed.query_vectors[row], asked, indexed))


def _build_lab(indexed):
    vectors = sample_vectors(indexed.retriever.vectors, 40)
    results = sweep_graph_settings(vectors, indexed.query_vectors, (2, 8), (20, 100), k=K, ef=EF)
    return build_lab_record(indexed, results, 40)


def _size_lab(indexed):
    graph = {"M": indexed.settings.M, "ef_construction": indexed.settings.ef_construction}
    vectors, queries, whole = indexed.retriever.vectors, indexed.query_vectors, indexed.retriever.hnsw
    return size_lab_record(indexed, sweep_sizes(vectors, queries, k=K, ef=EF, whole=whole, **graph))


def _shard_lab(indexed):
    graph = {"M": indexed.settings.M, "ef_construction": indexed.settings.ef_construction}
    vectors, queries, whole = indexed.retriever.vectors, indexed.query_vectors, indexed.retriever.hnsw
    return shard_lab_record(indexed, sweep_shards(vectors, queries, (1, 2, 8), k=K, ef=EF, whole=whole, **graph))
