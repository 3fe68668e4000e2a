"""All stages: python -m benchmarks, in under three minutes, or python -m benchmarks --full."""

from benchmarks import (
    chunking,
    curve,
    embedding,
    embedding_again,
    equal_recall,
    exact,
    exact_batch,
    growth,
    hnsw_build,
    hnsw_search,
    memory,
    pdf,
    reading_quality,
    slider,
    start,
)
from benchmarks.report import run_all

STAGES = (
    exact,
    exact_batch,
    hnsw_search,
    equal_recall,
    hnsw_build,
    embedding,
    embedding_again,
    chunking,
    pdf,
    reading_quality,
    curve,
    slider,
    start,
    memory,
    growth,
)

if __name__ == "__main__":
    run_all([stage.run for stage in STAGES], __doc__)
