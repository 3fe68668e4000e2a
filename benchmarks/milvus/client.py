"""One client of the Milvus benchmark, in a process of its own, so that its memory is the client's and nothing else's.

python -m benchmarks.milvus.client index|ask|check URI COLLECTION SIZE: prints lines of JSON.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.data import WORDLLAMA, each_text, questions
from benchmarks.milvus.server import megabytes
from retriever.encoders.base import Encoder
from retriever.encoders.loading import load_encoder
from retriever.retrievers.base import passages_of_texts
from retriever.retrievers.milvus import MilvusRetriever
from retriever.retrievers.milvus_passages import record_of
from retriever.vectors import Float32, normalize

K, EFS = 10, (10, 50, 200)
MARKS = 10  # reports of memory on the way
TIMED = 20  # questions that are asked one at a time
TIMEOUT = 1_800.0  # seconds for one call: the embedded server looks at every id for every call


class MeasuredEncoder(Encoder):
    """An encoder that takes the time of another, and keeps the k best scores of each query among what it encodes.

    These are the truth that the server's answers are compared with: by the vectors themselves, and by no server.
    """

    def __init__(self, encoder: Encoder, queries: Sequence[str]) -> None:
        """Wrap an encoder."""
        self._encoder, self.dimension, self.fingerprint = encoder, encoder.dimension, encoder.fingerprint
        self._queries = normalize(encoder.encode_query(queries))
        self.best: Float32 = np.full((len(queries), K), -np.inf, np.float32)  # (n_queries, k), in no order
        self.seconds, self.encoded, self.last = 0.0, 0, 0.0

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries, (n, dimension)."""
        return self._encoder.encode_query(texts)

    def encode_document(self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None) -> Float32:
        """Return the vectors of documents, (n, dimension)."""
        began = time.perf_counter()
        vectors = self._encoder.encode_document(texts, progress=progress)
        self.last = time.perf_counter()
        self.seconds, self.encoded = self.seconds + self.last - began, self.encoded + len(texts)
        scores = np.concatenate([self.best, self._queries @ normalize(vectors).T], axis=1)
        self.best = np.partition(scores, -K, axis=1)[:, -K:].copy()
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return self._encoder.count_tokens(texts)


def report(**what: object) -> None:
    """Print what is known as one line of JSON."""
    print(json.dumps(what), flush=True)


def index(uri: str, collection: str, size: int) -> None:
    """Stream texts into a collection, and report memory on the way, the time of each part, and the true scores."""
    encoder = MeasuredEncoder(load_encoder(WORDLLAMA), questions())
    next(each_text(size))  # what they are drawn from is read before anything is timed
    began = time.perf_counter()

    def texts() -> Iterator[str]:
        for row, text in enumerate(each_text(size)):
            if row % max(1, size // MARKS) == 0:
                report(row=row, seconds=time.perf_counter() - began, client=megabytes())
            yield text

    retriever = MilvusRetriever(uri, collection, WORDLLAMA, exact=False, encoder=encoder, timeout=TIMEOUT)
    retriever.index(texts(), ({"row": row} for row in range(size)))
    ended = time.perf_counter()
    report(row=size, seconds=ended - began, client=megabytes())
    report(
        embedded=encoder.encoded,
        embedding_seconds=encoder.seconds,
        seconds_to_last_vector=encoder.last - began,
        seconds_from_last_vector_to_searchable=ended - encoder.last,
        layout=vars(retriever.layout()),
        truth=np.sort(encoder.best)[:, ::-1].tolist(),
    )


def ask(uri: str, collection: str, size: int) -> None:
    """Ask the pinned questions at each ef: all in one call, and some one at a time for the time they take.

    Reports rows and scores, (n_queries, k), of the one call, and the seconds of both ways.
    """
    retriever = MilvusRetriever.load(uri, collection, timeout=TIMEOUT)
    retriever.rank(questions(), K, ef=K)  # loads the model, and lets the server read its graphs
    for ef in EFS:
        began = time.perf_counter()
        found = retriever.rank(questions(), K, ef=ef)
        together = time.perf_counter() - began
        seconds = []
        for question in questions()[:TIMED]:
            began = time.perf_counter()
            retriever.search(question, K, ef=ef)
            seconds.append(time.perf_counter() - began)
        report(ef=ef, rows=found.ids.tolist(), scores=found.scores.tolist(), together=together, seconds=seconds)
    report(client=megabytes())


def check(uri: str, collection: str, size: int) -> None:
    """Read all passages back, and report how many are missing, doubled, or none of those that were given."""
    retriever = MilvusRetriever.load(uri, collection, timeout=TIMEOUT)
    stored = Counter(record_of(passage).id for passage in retriever.passages)
    wanted = {record_of(*passages_of_texts([text], [{"row": row}])).id for row, text in enumerate(each_text(size))}
    report(
        stored=stored.total(),
        missing=len(wanted - stored.keys()),
        doubled=stored.total() - len(stored),
        strange=len(stored.keys() - wanted),
    )


PARTS: dict[str, Callable[[str, str, int], None]] = {"index": index, "ask": ask, "check": check}


def main(arguments: Sequence[str]) -> None:
    """Run the part that the command line names."""
    part, uri, collection, size = arguments
    PARTS[part](uri, collection, int(size))


if __name__ == "__main__":
    main(sys.argv[1:])
