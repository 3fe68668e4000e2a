"""The whole ef curve, against the sum of its searches by hnswlib called directly."""

import numpy as np

from benchmarks.data import entries, questions
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.encoders.loading import load_encoder
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.curve import default_efs, ef_curve
from retriever.vectors import normalize

K, N_QUERIES = 10, 100
HNSWLIB = "hnswlib"


def run(full: bool) -> Stage:
    """Measure 12 values of ef with 100 queries over the 11,000 vectors of the Python docs."""
    model = "all-MiniLM-L6-v2" if full else "wordllama-256"
    encoder = load_encoder(model)
    vectors = normalize(encoder.encode_document(entries()))
    queries = normalize(encoder.encode_query(questions()[:N_QUERIES]))
    index, truth = HNSWIndex(vectors), ExactIndex(vectors).search(queries, K)
    efs = default_efs(K, len(index))
    raw = index._index  # the very same graph

    def direct() -> None:
        for ef in efs:
            raw.set_ef(ef)
            for row in range(len(queries)):
                labels, distances = raw.knn_query(queries[row : row + 1], K, num_threads=1)
                del labels, distances

    cases = {
        "retriever": wall(lambda: ef_curve(index, queries, truth, k=K), scale=1e3),
        HNSWLIB: wall(direct, scale=1e3),
    }
    values = interleaved(cases, 15 if full else 7)
    case = f"{len(efs)} values of ef, {N_QUERIES} queries, {len(index):,} vectors"
    comparison = Comparison(case, "ms", values, [Target(1.3, HNSWLIB)])
    settings = {"k": K, "efs": efs, "model": model, "dimension": int(np.shape(vectors)[1])}
    return Stage("The whole ef curve", [comparison], {"vectors": "entries of the Python docs"}, settings)


if __name__ == "__main__":
    main(run)
