"""Embedding documents with MiniLM, against SentenceTransformer.encode as it comes, and what it does to quality."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.data import entries
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.encoders.base import Encoder
from retriever.encoders.loading import load_encoder
from retriever.encoders.sentence_transformer import SentenceTransformerEncoder
from retriever.evaluation.measures import evaluate
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import run_queries
from retriever.vectors import Float32

MODEL, ENCODE = "all-MiniLM-L6-v2", "SentenceTransformer.encode"
JUDGED = ("everyday_science", "documents")
WORDS = {"short texts (12 words)": 12, "texts of about 200 tokens": 130}


class AsItComes(Encoder):
    """An encoder that only calls SentenceTransformer.encode, for documents and queries alike."""

    def __init__(self, encoder: SentenceTransformerEncoder) -> None:
        """Wrap the model that is already loaded."""
        self.model, self.dimension, self.max_tokens = encoder.model, encoder.dimension, encoder.max_tokens
        self._encoder = encoder

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document."""
        return self._encoder.count_tokens(texts)

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries."""
        return np.asarray(self.model.encode(list(texts)), np.float32)

    def encode_document(self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None) -> Float32:
        """Return the vectors of documents."""
        return self.encode_query(texts)


def run(full: bool) -> Stage:
    """Measure documents a second of short and of long texts, and nDCG@10 on the judged samples."""
    encoder = load_encoder(MODEL)
    words = " ".join(entries()).split()
    most = 1 / 1.8 if encoder.bfloat16 else 1.0
    comparisons = []
    for case, length in WORDS.items():
        count = (40_000 if full else 4_000) // length
        texts = [" ".join(words[start : start + length]) for start in range(0, count * length, length)]
        cases = {
            "retriever": wall(partial(encoder.encode_document, texts)),
            ENCODE: wall(partial(encoder.model.encode, texts)),
        }
        tokens = float(np.mean(encoder.count_tokens(texts)))
        name = f"{count:,} {case}, {tokens:.0f} tokens on average"
        comparisons.append(Comparison(name, "s", interleaved(cases, 5 if full else 2), [Target(most, ENCODE)]))
    comparisons += [_quality(load_sample(name), encoder) for name in JUDGED if full or name == "documents"]
    settings = {"model": MODEL, "bfloat16": encoder.bfloat16, "fingerprint": encoder.fingerprint}
    return Stage("Embedding documents", comparisons, {"texts": "stretches of docstrings"}, settings)


def _quality(sample: Collection, encoder: SentenceTransformerEncoder) -> Comparison:
    """Compare nDCG@10; the target is stated as the difference."""
    ours, peer = (_ndcg(sample, made_by) for made_by in (encoder, AsItComes(encoder)))
    values = {"difference": np.array([abs(ours - peer)])}
    case = f"nDCG@10 on {sample.name}: {ours:.4f} against {peer:.4f}"
    return Comparison(case, "", values, [Target(0.005)])


def _ndcg(sample: Collection, encoder: Encoder) -> float:
    retriever = DenseRetriever(MODEL, encoder=encoder)
    passage = sample.passage or (lambda document: document.text)
    rows = [{"doc_id": document.doc_id} for document in sample.documents]
    retriever.index([passage(document) for document in sample.documents], rows)
    judged = {query: text for query, text in sample.queries.items() if query in (sample.qrels or {})}
    found = evaluate(sample.qrels or {}, run_queries(retriever, judged, 100), k=10)
    return found.mean["ndcg_cut_10"]


if __name__ == "__main__":
    main(run)
