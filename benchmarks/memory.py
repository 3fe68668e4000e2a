"""Memory of a loaded retriever, against the bytes of its raw vectors."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.protocol import Comparison, Target
from benchmarks.report import Stage, main
from retriever.documents.document import Passage
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import packaged_fingerprint
from retriever.indexes.hnsw import HNSWIndex
from retriever.storage.snapshot import Snapshot, write_snapshot

MODEL, DIMENSION, DIRECTIONS = "all-MiniLM-L6-v2", 384, 32
RAW = "raw vectors"
LOAD = """
import sys
from retriever import DenseRetriever

def megabytes():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

before = megabytes()
retriever = DenseRetriever.load(sys.argv[1])
print(megabytes() - before)
"""


def run(full: bool) -> Stage:
    """Save a retriever of 100,000 vectors of 384 dimensions, and load it in processes that hold nothing else."""
    n = 100_000 if full else 20_000
    raw = n * DIMENSION * 4 / 2**20
    with tempfile.TemporaryDirectory() as folder:
        _save(Path(folder), n)
        loaded = [_megabytes(folder) for _ in range(3)]
    values = {"retriever": np.array(loaded), RAW: np.full(len(loaded), raw)}
    comparison = Comparison(f"{n:,} × {DIMENSION}, loaded", "MB", values, [Target(2.3, RAW)] if full else [])
    note = (
        "Memory of the process's own (RssAnon) after loading less that before: vectors twice, links, texts, metadata."
    )
    settings = {"M": 16, "ef_construction": 200}
    return Stage("Memory of a loaded retriever", [comparison], {"texts": "one word each"}, settings, [note])


def _save(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)  # few directions, as text has: random vectors of 384 dimensions take long to link
    vectors = rng.standard_normal((n, DIRECTIONS), dtype=np.float32) @ rng.standard_normal(
        (DIRECTIONS, DIMENSION), dtype=np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    settings = {"M": 16, "ef_construction": 200, "seed": 42}
    passages = [Passage(f"text{row}", f"text{row}") for row in range(n)]
    made_by = packaged_fingerprint(model_card(MODEL))
    write_snapshot(folder, Snapshot(passages, vectors, MODEL, made_by, settings, HNSWIndex(vectors)))


def _megabytes(folder: str) -> float:
    run = subprocess.run([sys.executable, "-c", LOAD, folder], check=True, capture_output=True, text=True)
    return float(run.stdout)


if __name__ == "__main__":
    main(run)
