"""Quality, time and memory of every kind of retriever on judged collections.

python -m benchmarks.quality [FOLDER ...]: a folder is a collection in BEIR layout, unpacked; without folders the two
judged samples are taken. All retrievers hold the same passages, and are scored by trec_eval. A query's time is the
median over queries asked one at a time.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from retriever.datasets.beir import read_beir
from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.documents.document import Passage
from retriever.errors import CollectionError
from retriever.evaluation.fusion import fuse
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.measures import evaluate
from retriever.evaluation.trec import Run
from retriever.indexing.collection import IndexSettings
from retriever.indexing.pipeline import passages_of
from retriever.retrievers.base import Retriever
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import run_queries
from retriever.retrievers.late_interaction import LateInteractionRetriever
from retriever.run_record import RunRecord

K, DEPTH = 10, 100
TIMED = 50  # queries whose time is taken
SAMPLES = ("everyday_science", "python_docs")
MODEL = "all-MiniLM-L6-v2"
RETRIEVERS: Mapping[str, Callable[[], Any]] = {
    "BM25": BM25Retriever,
    "wordllama-256": lambda: DenseRetriever("wordllama-256"),
    MODEL: lambda: DenseRetriever(MODEL),
    f"{MODEL}, late interaction": LateInteractionRetriever,
}
FUSED = "BM25", MODEL
HEAD = "| retriever | nDCG@10 | hit rate@10 | seconds to index | ms a query | MB |\n|---|--:|--:|--:|--:|--:|"


@dataclass(frozen=True)
class Row:
    """What one retriever reaches on one collection, and what it takes; None where a fused run has no such number."""

    retriever: str
    ndcg: float
    hit_rate: float
    index_seconds: float | None = None
    milliseconds: float | None = None
    megabytes: float | None = None

    def __str__(self) -> str:
        """Write it as a line of the table."""
        costs = [self.index_seconds, self.milliseconds, self.megabytes]
        written = ["" if cost is None else f"{cost:,.2f}" for cost in costs]
        return f"| {self.retriever} | {self.ndcg:.4f} | {self.hit_rate:.4f} | {' | '.join(written)} |"


def measure_collection(collection: Collection) -> list[Row]:
    """Return what each retriever, and the fusion of two of them, reaches on a judged collection."""
    judged = collection.judged
    if judged is None:
        raise CollectionError(f"{collection.name} has no judgments; add qrels in TREC's or BEIR's format.")
    passages = passages_of(collection, IndexSettings(MODEL))
    rows, runs = [], dict[str, Run]()
    for name, make in RETRIEVERS.items():
        make().index(["A first text loads the model."])
        runs[name], row = _measure(name, make(), passages, judged)
        rows.append(row)
        print(row, flush=True)
    name = " + ".join(FUSED)
    row = Row(name, *_scores(fuse(*(runs[part] for part in FUSED)), judged))
    print(row, flush=True)
    return [*rows, row]


def _measure(name: str, retriever: Retriever, passages: Sequence[Passage], judged: JudgedQueries) -> tuple[Run, Row]:
    """Index passages and ask all judged queries; return the run and its row."""
    start = time.perf_counter()
    retriever.add(passages)
    index_seconds = time.perf_counter() - start
    run = run_queries(retriever, judged.asked, DEPTH)
    times = []
    for text in list(judged.asked.values())[:TIMED]:
        start = time.perf_counter()
        retriever.search(text, K)
        times.append(time.perf_counter() - start)
    return run, Row(name, *_scores(run, judged), index_seconds, 1e3 * median(times), retriever.nbytes / 1e6)


def _scores(run: Run, judged: JudgedQueries) -> tuple[float, float]:
    """Return nDCG and hit rate at K."""
    found = evaluate(judged.qrels, run, k=K, relevance_level=judged.relevance_level)
    return found.mean[f"ndcg_cut_{K}"], found.hit_rate


def main() -> None:
    """Measure the collections of the command line, and print a table and a record of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="a collection in BEIR layout")
    folders = parser.parse_args().folders
    for collection in map(read_beir, folders) if folders else map(load_sample, SAMPLES):
        asked = len(collection.judged.asked) if collection.judged else 0
        print(
            f"\n## {collection.name}: {len(collection.documents):,} documents, {asked:,} queries\n\n{HEAD}", flush=True
        )
        rows = measure_collection(collection)
        data = {"collection": collection.name, "documents": len(collection.documents), "judged_queries": asked}
        settings = {"k": K, "run_depth": DEPTH, "timed_queries": TIMED}
        record = RunRecord("Retrievers", settings, data, {"rows": [asdict(row) for row in rows]}, str(__doc__))
        print(f"\n{record.to_json()}", flush=True)


if __name__ == "__main__":
    main()
