"""MaxSim over token vectors, exact: each token of a query takes the most similar token of a text, and these add up."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.exact import top_ids
from retriever.indexes.token_blocks import BlockWriter, Float16, TokenBlock, blocks_of, joined
from retriever.vectors import Float32, Int64, normalize

QUERY_TOKENS = 512  # of several queries compared at once
BLOCKS_PER_SECTION = 16  # compared with them in one section of heavy work: about a tenth of a second on two cores


@dataclass(frozen=True, eq=False)
class MaxSimIndex:
    """An index of token vectors in half precision, never changed: extended returns a larger one.

    blocks: the vectors of consecutive texts. means: (n_texts, dim) the mean vector of each text's tokens, unit rows.
    in_memory: whether the vectors are in memory; else they stand in a temporary file.
    """

    blocks: tuple[TokenBlock, ...]
    means: Float32
    in_memory: bool = True

    @classmethod
    def empty(cls, dimension: int) -> "MaxSimIndex":
        """Return an index without texts."""
        return cls((), np.empty((0, dimension), np.float32))

    @classmethod
    def restored(cls, vectors: Float16, lengths: Int64, means: Float32, max_bytes: int) -> "MaxSimIndex":
        """Return an index of stored vectors: of all texts, (n_tokens, dim), as many of each as lengths says."""
        ends = np.cumsum(lengths)
        with BlockWriter((), in_memory=True, max_bytes=max_bytes) as writer:
            writer.add(vectors[end - length : end] for end, length in zip(ends, lengths, strict=True))
            return cls(writer.finish(), means, writer.in_memory)

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.means)

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return int(self.means.shape[1])

    @property
    def n_tokens(self) -> int:
        """The number of token vectors."""
        return sum(len(block.vectors) for block in self.blocks)

    @property
    def nbytes(self) -> int:
        """The bytes of all vectors."""
        return sum(block.vectors.nbytes for block in self.blocks) + self.means.nbytes

    def extended(self, groups: Iterable[Sequence[Float32]], max_bytes: int) -> "MaxSimIndex":
        """Return an index with more texts, given in groups as token vectors, (n_tokens, dim) each.

        A text without tokens has one vector of zeros. Once the token vectors have more than max_bytes they are moved to
        a temporary file. Raises StorageError if that cannot be written.
        """
        nothing = np.zeros((1, self.dimension), np.float32)
        means = [self.means]
        with BlockWriter(self.blocks, in_memory=self.in_memory, max_bytes=max_bytes) as writer:
            for group in groups:
                filled = [vectors if len(vectors) else nothing for vectors in group]
                if filled:
                    writer.add(filled)
                    means.append(normalize(np.stack([vectors.mean(axis=0) for vectors in filled])))
            return MaxSimIndex(writer.finish(), np.concatenate(means), writer.in_memory)

    def vectors_of(self, text: int) -> Float32:
        """Return the token vectors of a text, by its number, (n_tokens, dim)."""
        return self._parts(np.array([text]))[0].astype(np.float32)

    def scores(self, queries: Sequence[Float32], candidates: int | None = None) -> Float32:
        """Return the score of each text for each query, given as token vectors (n_tokens, dim): (n_queries, n_texts).

        candidates: how many texts are scored for each query, those whose mean vector is the most similar to that of
        the query; the others have -inf. None: all of them.
        """
        found = np.full((len(queries), len(self)), -np.inf, np.float32)
        with ThreadPoolExecutor(os.cpu_count(), "maxsim", initializer=use_one_thread) as pool:
            if candidates is not None and candidates < len(self):
                for scores, query in zip(found, queries, strict=True):
                    with _section(len(queries)):
                        self._score_candidates(scores, query, candidates, pool)
            else:
                for rows in _query_groups(queries):
                    self._score_all(found, queries, rows, pool)
        return found

    def _score_all(self, found: Float32, queries: Sequence[Float32], rows: list[int], pool: Executor) -> None:
        """Write the scores of all texts for some queries into their rows of found, (n_queries, n_texts)."""
        vectors, starts = joined([queries[row] for row in rows])
        step = len(self.blocks) if len(queries) == 1 else BLOCKS_PER_SECTION
        first = 0
        for start in range(0, len(self.blocks), max(1, step)):
            with _section(len(queries)):
                for made in pool.map(lambda block: max_sums(block, vectors, starts), self.blocks[start : start + step]):
                    found[rows, first : first + made.shape[1]] = made
                    first += made.shape[1]

    def _score_candidates(self, scores: Float32, query: Float32, candidates: int, pool: Executor) -> None:
        """Write the scores of the texts with the most similar means into scores, (n_texts,)."""
        chosen = np.sort(top_ids(self.means @ query.sum(axis=0), candidates))
        starts = np.zeros(1, np.int64)
        made = pool.map(lambda block: max_sums(block, query, starts), blocks_of(self._parts(chosen)))
        scores[chosen] = np.concatenate(list(made), axis=1)[0]

    def _parts(self, texts: Int64) -> list[Float16]:
        """Return the token vectors of texts, by their numbers."""
        firsts = np.array([0, *accumulate(len(block.starts) for block in self.blocks)])
        places = np.searchsorted(firsts, texts, side="right") - 1  # the block of each text
        return [
            self.blocks[place].of_text(int(text - firsts[place])) for text, place in zip(texts, places, strict=True)
        ]


def max_sums(texts: TokenBlock, queries: Float32, starts: Int64) -> Float32:
    """Return the MaxSim of queries and the texts of a block, (n_queries, n_texts).

    queries: the token vectors of all queries, (n_tokens, dim), those of each from its start on. Half precision is
    multiplied in float32: PyTorch converts it five times faster than NumPy, and products in half precision took four
    times longer. One thread a block, since threads that share a product wait for one another on a busy machine.
    """
    import torch

    vectors = np.require(texts.vectors, requirements="W")  # PyTorch takes no others: a file's are copied
    products = (torch.from_numpy(queries) @ torch.from_numpy(vectors).float().T).numpy()
    best: Float32 = np.maximum.reduceat(products, texts.starts, axis=1)  # (n_query_tokens, n_texts)
    sums: Float32 = np.add.reduceat(best, starts, axis=0)
    return sums


def use_one_thread() -> None:
    """Limit this thread's products to one core; the setting is per thread, so that other threads keep theirs."""
    import torch

    torch.set_num_threads(1)


def _section(n_queries: int) -> AbstractContextManager[None]:
    """Return a section of heavy work, not beside what is timed; none for one query, which may be timed itself."""
    return MACHINE_LOCK.shared() if n_queries > 1 else nullcontext()


def _query_groups(queries: Sequence[Float32]) -> Iterator[list[int]]:
    """Yield the rows of queries in groups of about QUERY_TOKENS tokens."""
    rows: list[int] = []
    tokens = 0
    for row, query in enumerate(queries):
        rows.append(row)
        tokens += len(query)
        if tokens >= QUERY_TOKENS or row == len(queries) - 1:
            yield rows
            rows, tokens = [], 0
