"""What the plan's hours rest on, measured here: embedding, linking and searching, in seconds of one core.

Core seconds are the processor's, so that waiting for work beside this does not count; what such work does to caches and
to the processor's clock remains, and the loop of fixed work shows how much of it there was.
"""

import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.data import entries
from retriever.encoders.loading import load_encoder
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.recall_and_latency import measure
from retriever.vectors import Float32

K, EF = 10, 50
WORDS = 130  # of a passage, about 200 tokens
EMBEDDED = {"wordllama-256": 4_000, "all-MiniLM-L6-v2": 200}  # model -> passages embedded
CALIBRATION = 30  # repetitions of the loop of fixed work


def calibrate() -> dict[str, float]:
    """Return the median milliseconds of a loop of fixed work; the two clocks differ where others use the cores."""
    wall, processor = [], []
    for _ in range(CALIBRATION):
        began, used = time.perf_counter(), time.process_time()
        sum(number * number for number in range(100_000))
        wall.append(1e3 * (time.perf_counter() - began))
        processor.append(1e3 * (time.process_time() - used))
    return {"processor_ms": median(processor), "wall_ms": median(wall)}


def embedding_rates() -> dict[str, float]:
    """Return model -> passages of 130 words that one core embeds in a second."""
    import torch

    words, threads = " ".join(entries()).split(), torch.get_num_threads()
    torch.set_num_threads(1)
    rates = {}
    try:
        for model, count in EMBEDDED.items():
            encoder = load_encoder(model)
            starts = np.linspace(0, len(words) - WORDS, count).astype(int)
            texts = [" ".join(words[start : start + WORDS]) for start in starts]
            encoder.encode_document(texts[:10])  # loads what is loaded at first use
            used = time.process_time()
            encoder.encode_document(texts)
            rates[model] = count / (time.process_time() - used)
    finally:
        torch.set_num_threads(threads)
    return rates


def graph_costs(vectors: Float32, queries: Float32, rounds: int = 1) -> dict[str, Any]:
    """Build a graph over vectors (n, dim) and search it at EF; return core seconds a vector, and of each search."""
    used = time.process_time()
    index = HNSWIndex(vectors)
    link_seconds = (time.process_time() - used) / len(vectors)
    truth = ExactIndex(vectors).search(queries, K)
    found = [measure(index, queries, truth, k=K, ef=EF) for _ in range(rounds)]
    return {
        "n": len(vectors),
        "dimension": index.dimension,
        "link_seconds": link_seconds,
        "search_seconds": [float(f"{seconds:.3g}") for measured in found for seconds in measured.seconds],
        "recall": found[0].mean_recall,
    }
