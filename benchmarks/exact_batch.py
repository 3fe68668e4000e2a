"""Exact search, 200 queries at once on two threads, against faiss and sentence-transformers' semantic_search."""

from benchmarks.data import random_vectors
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.indexes.exact import ExactIndex

K, DIMENSION, THREADS = 10, 384, 2
FAISS, SEMANTIC_SEARCH = "faiss IndexFlatIP", "util.semantic_search"


def run(full: bool) -> Stage:
    """Measure one call that answers 200 queries over 100,000 vectors of 384 dimensions."""
    import faiss
    import torch
    from sentence_transformers.util import semantic_search
    from threadpoolctl import threadpool_limits

    n = 100_000 if full else 50_000
    data = random_vectors(n, DIMENSION)
    index, flat = ExactIndex(data.documents), faiss.IndexFlatIP(DIMENSION)
    flat.add(data.documents)
    queries, rows = torch.from_numpy(data.queries), torch.from_numpy(data.documents)
    faiss.omp_set_num_threads(THREADS)
    torch.set_num_threads(THREADS)
    cases = {
        "retriever": wall(lambda: index.search(data.queries, K), scale=1e3),
        FAISS: wall(lambda: flat.search(data.queries, K), scale=1e3),
        SEMANTIC_SEARCH: wall(lambda: semantic_search(queries, rows, top_k=K), scale=1e3),
    }
    with threadpool_limits(THREADS):
        values = interleaved(cases, 15 if full else 5)
    found = Comparison(f"200 queries, {n:,} vectors", "ms", values, [Target(0.7, FAISS)])
    settings = {"k": K, "dimension": DIMENSION, "threads": THREADS}
    return Stage("Exact search, 200 queries, two threads", [found], {"vectors": data.what}, settings)


if __name__ == "__main__":
    main(run)
