"""What the benchmarks measure on: random unit vectors where only their number counts, real text where it matters."""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from retriever.datasets.samples import load_sample
from retriever.encoders.loading import load_encoder
from retriever.vectors import Float32, normalize

N_QUERIES = 200
SEED = 42
SHORTEST, LONGEST = 8, 40  # words of a stretch
WORDLLAMA = "wordllama-256"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit rows to measure with: documents (n, dim), queries (200, dim), and a description of both."""

    documents: Float32
    queries: Float32
    what: str


def random_vectors(n: int, dimension: int) -> Vectors:
    """Return random unit vectors: exact search does the same work on any."""
    rng = np.random.default_rng(SEED)
    rows = rng.standard_normal((n + N_QUERIES, dimension), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Vectors(rows[:n], rows[n:], f"{n:,} random unit vectors of {dimension} dimensions")


def text_vectors(n: int) -> Vectors:
    """Return vectors of real text: what HNSW finds, and how fast, depends on their distribution."""
    encoder = load_encoder(WORDLLAMA)
    texts = list(each_text(n))
    what = f"{described(n)}, {WORDLLAMA}, and {N_QUERIES} questions"
    documents = np.concatenate([encoder.encode_document(texts[row : row + 20_000]) for row in range(0, n, 20_000)])
    return Vectors(normalize(documents), normalize(encoder.encode_query(questions())), what)


@cache
def questions() -> Sequence[str]:
    """Return the first questions that were written for the Python docs."""
    return list(load_sample("python_docs").queries.values())[:N_QUERIES]


@cache
def entries() -> Sequence[str]:
    """Return the entries of the Python docs, one short docstring each, in an order drawn with a fixed seed."""
    sample = load_sample("python_docs")
    texts = [sample.passage(document) if sample.passage else document.text for document in sample.documents]
    random.Random(SEED).shuffle(texts)
    return texts


@cache
def docstrings() -> Sequence[str]:
    """Return the whole docstrings of the large Python docs."""
    return [document.text for document in load_sample("python_docs_large").documents]


def texts_of(megabytes: float) -> Sequence[str]:
    """Return whole docstrings of so many megabytes together; up to 1.5 MB the short entries, which are read faster."""
    texts: list[str] = []
    characters = 0
    for text in entries() if megabytes <= 1.5 else docstrings():
        texts.append(text)
        characters += len(text)
        if characters >= megabytes * 1e6:
            break
    return texts


def each_text(n: int) -> Iterator[str]:
    """Yield n texts one by one: entries of the Python docs while there are enough, else stretches of docstrings."""
    yield from entries()[:n] if n <= len(entries()) else each_stretch(n)


def described(n: int) -> str:
    """Return what the n texts of each_text are, in words."""
    return f"{n:,} {'docstrings' if n <= len(entries()) else 'stretches of docstrings'}"


def each_stretch(n: int) -> Iterator[str]:
    """Yield n stretches of 8 to 40 words, drawn with a fixed seed from the large Python docs."""
    words = " ".join(docstrings()).split()
    drawn = random.Random(SEED)
    starts = array("L", (drawn.randrange(len(words) - LONGEST) for _ in range(n)))  # 8 bytes each, for millions of them
    for start in starts:
        yield " ".join(words[start : start + drawn.randint(SHORTEST, LONGEST)])
