"""BM25, the keyword baseline: passages are ranked by the words that they share with the query."""

import reprlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from retriever.documents.document import Passage
from retriever.errors import ParameterError
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.indexes.exact import top_ids
from retriever.parameters import MAX_K, check_count
from retriever.progress import progress_bar
from retriever.retrievers.base import Hit, check_queries, check_query, hits_of, passages_of_texts, scored_passages
from retriever.retrievers.terms import TermSplitter
from retriever.storage.passage_lines import read_passages, write_passages
from retriever.storage.saved_folder import Format, damage_named, read_manifest, read_part, write_folder

if TYPE_CHECKING:
    from bm25s import BM25

FORMAT = Format("dense-retrieval-lab-bm25", version=2, readable=(2,))
MAX_K1 = 1000.0  # far above any useful value; beyond, float32 has no digits left for the scores
TEXTS_PER_TURN = 100  # texts split into terms before others go first, some milliseconds


@dataclass(frozen=True, eq=False)
class _Content:
    """Passages and the index over them, replaced together; index: None if no passage has a term."""

    passages: tuple[Passage, ...] = ()
    index: "BM25 | None" = None


class BM25Retriever:
    """A retriever that ranks texts by BM25 in Lucene's variant, computed by bm25s.

    k1: how much a repeated word adds, 0 (nothing) or more. b: how much long texts are held back, from 0 (not at all) to
    1. stop_words, stemmer: see TermSplitter. Scores have no fixed range, and only those of one query can be compared.
    A text that shares no term with the query is not found.

    Searching from several threads is safe, also while another thread adds texts.
    Source: Kamphuis et al., Which BM25 Do You Mean?, ECIR 2020; k1 and b as Anserini has them.
    """

    name = "BM25"

    def __init__(
        self,
        k1: float = 0.9,
        b: float = 0.4,
        *,
        stop_words: str | Iterable[str] | None = "en",
        stemmer: str | None = "english",
    ) -> None:
        """Create an empty retriever. Raises ParameterError for a setting outside its range."""
        self.k1, self.b = _check_number("k1", k1, MAX_K1), _check_number("b", b, 1)
        self._splitter = TermSplitter(stop_words, stemmer)
        self._content = _Content()
        self._lock = threading.Lock()  # of adding

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages in the order they were added; replaced, never changed."""
        return self._content.passages

    @property
    def settings(self) -> dict[str, Any]:
        """What the scores depend on beside the texts: k1, b, stop_words and stemmer, as JSON can hold them."""
        given = self._splitter.stop_words
        stop_words = list(given) if isinstance(given, tuple) else given
        return {"k1": self.k1, "b": self.b, "stop_words": stop_words, "stemmer": self._splitter.stemmer}

    @property
    def nbytes(self) -> int:
        """The bytes of memory of the index: its scores, their rows, and the terms. The texts come on top."""
        index = self._content.index
        if index is None:
            return 0
        arrays = sum(index.scores[name].nbytes for name in ("data", "indices", "indptr"))
        return int(arrays + sys.getsizeof(index.vocab_dict) + sum(map(sys.getsizeof, index.vocab_dict)))

    def terms(self, text: str) -> list[str]:
        """Return what a text is compared by: its words in lower case without stop words, cut to their stems."""
        check_query(text)
        return self._splitter.terms(text)

    def passages_with(self, terms: Iterable[str]) -> dict[str, int]:
        """Return how many passages hold each of the terms; the fewer, the more the term counts."""
        index = self._content.index
        if index is None:
            return dict.fromkeys(terms, 0)
        starts, numbers = index.scores["indptr"], index.vocab_dict
        return {
            term: int(starts[numbers[term] + 1] - starts[numbers[term]]) if term in numbers else 0 for term in terms
        }

    def index(
        self,
        texts: Sequence[str],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        *,
        progress: Callable[[float], None] | None = None,
        show_progress_bar: bool | None = None,
    ) -> int:
        """Add texts with copies of their metadata; return how many they are.

        All scores are computed anew, since they depend on how many texts hold a word: so many texts are better added
        at once. progress: called with the fraction done, in [0, 1]; an exception it raises ends the work, and nothing
        is added. show_progress_bar: None shows one in a notebook or at a prompt, without progress. Raises
        ParameterError if texts is one string, contains anything but strings or differs in number from metadata.
        """
        passages = passages_of_texts(texts, metadata)
        with progress_bar("Indexing", show_progress_bar, progress) as report:
            return self.add(passages, progress=report)

    def add(self, passages: Sequence[Passage], *, progress: Callable[[float], None] | None = None) -> int:
        """Add passages of documents, as index does with texts; the words are those of encoded_text."""
        if passages:
            with self._lock:
                everything = (*self.passages, *passages)
                self._content = _Content(everything, self._build(everything, progress))
        return len(passages)

    def search(self, query: str, top_k: int = 10) -> list[Hit]:
        """Return the at most top_k best texts for the query, best first; none that shares no term with it.

        Raises ParameterError if query is not a string, or for a top_k below 1.
        """
        check_query(query)
        content, k = self._content, check_count("top_k", top_k, 1)
        found = self._rank(content, [query], min(k, max(1, len(content.passages))))
        return hits_of(scored_passages(content.passages, found))

    def rank(self, queries: Sequence[str], k: int) -> Neighbors:
        """Return the rows of the best k passages of each query and their scores, (n_queries, k), best first.

        Equal scores go by the lower row. Passages that share no term with a query leave their places empty, with NO_ID.
        Raises ParameterError as search does.
        """
        return self._rank(self._content, check_queries(queries), check_count("k", k, 1, MAX_K))

    def save(self, folder: str | Path) -> None:
        """Write texts, metadata and settings into a folder, atomically. Raises StorageError if that fails."""
        parts = [("passages", "jsonl", write_passages(self.passages))]
        write_folder(Path(folder), FORMAT, {"settings": self.settings}, parts)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return the retriever that save wrote, verified; the index is built anew from its texts.

        Raises StorageError for a folder that is damaged, not a saved BM25Retriever or written by a newer version.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, FORMAT)
        with damage_named(folder):
            settings = {name: manifest["settings"][name] for name in ("k1", "b", "stop_words", "stemmer")}
            self = cls(**settings)
            self.add(list(read_passages(read_part(folder, "passages", manifest["files"]["passages"]), FORMAT.version)))
        return self

    def _build(self, passages: Sequence[Passage], progress: Callable[[float], None] | None) -> "BM25 | None":
        """Return the index over passages, or None if none of them has a term."""
        from bm25s import BM25

        numbers: dict[str, int] = {}  # of the terms
        texts: list[list[int]] = []
        for start in range(0, len(passages), TEXTS_PER_TURN):
            if progress:
                progress(start / len(passages))
            with MACHINE_LOCK.shared():
                for passage in passages[start : start + TEXTS_PER_TURN]:
                    terms = self._splitter.terms(passage.encoded_text)
                    texts.append([numbers.setdefault(term, len(numbers)) for term in terms])
        if not numbers:
            return None
        index = BM25(k1=self.k1, b=self.b, method="lucene", backend="numpy")
        with MACHINE_LOCK.shared():
            index.scores = index.build_index_from_ids(list(numbers.values()), texts, show_progress=False)
        index.vocab_dict = numbers
        if progress:
            progress(1.0)
        return index

    def _rank(self, content: _Content, queries: Sequence[str], k: int) -> Neighbors:
        """Return what rank returns, over given content."""
        found = empty_neighbors(len(queries), k)
        if content.index is None:
            return found
        for row, query in enumerate(queries):
            with nullcontext() if len(queries) == 1 else MACHINE_LOCK.shared():  # many: not beside what is timed
                known = content.index.get_tokens_ids(self._splitter.terms(query))
                if known:
                    scores = content.index.get_scores_from_ids(known)  # (n,)
                    ids = top_ids(scores, min(k, int(np.count_nonzero(scores))))
                    found.ids[row, : len(ids)], found.scores[row, : len(ids)] = ids, scores[ids]
        return found


def _check_number(name: str, value: Any, high: float) -> float:  # noqa: ANN401 - checked here
    """Return a value as a float; raise ParameterError if it is no number from 0 to high."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= high:
        raise ParameterError(f"{name} is {reprlib.repr(value)}; it must be a number from 0 to {high:g}.")
    return float(value)
