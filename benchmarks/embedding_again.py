"""Indexing again what is unchanged, against embedding all of it again with SentenceTransformer.encode."""

from benchmarks.data import entries
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.encoders.loading import load_encoder
from retriever.retrievers.dense import DenseRetriever

MODEL, ENCODE = "all-MiniLM-L6-v2", "SentenceTransformer.encode"


def run(full: bool) -> Stage:
    """Index documents in a new retriever that knows of one that holds them, all but one in a hundred."""
    texts = list(entries()[: 5_000 if full else 400])
    encoder = load_encoder(MODEL)
    before = DenseRetriever(MODEL)
    before.index(texts)
    added = [f"{text} New." for text in texts[::100]]

    def unchanged() -> object:
        return DenseRetriever(MODEL).index(texts, known=before)

    def one_in_a_hundred() -> object:
        return DenseRetriever(MODEL).index([*texts, *added], known=before)

    rounds = 3 if full else 1
    same = interleaved({"retriever": wall(unchanged), ENCODE: wall(lambda: encoder.model.encode(texts))}, rounds)
    more = interleaved(
        {"retriever": wall(one_in_a_hundred), ENCODE: wall(lambda: encoder.model.encode([*texts, *added]))}, rounds
    )
    comparisons = [
        Comparison(f"{len(texts):,} texts, all unchanged", "s", same, [Target(1 / 50, ENCODE)]),
        Comparison(f"{len(texts):,} texts unchanged, {len(added)} new", "s", more),
    ]
    return Stage("Embedding again", comparisons, {"texts": "docstrings"}, {"model": MODEL})


if __name__ == "__main__":
    main(run)
