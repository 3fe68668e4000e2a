"""The late-interaction retriever: it keeps a vector of each token, and compares all of them with those of a query."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from retriever.documents.document import Passage
from retriever.encoders.device import resolve_device
from retriever.encoders.multi_vector.base import MultiVectorEncoder
from retriever.encoders.multi_vector.catalogue import late_interaction_card
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder, token_fingerprint
from retriever.errors import ParameterError, VectorError
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.indexes.exact import top_ids
from retriever.indexes.maxsim import MaxSimIndex
from retriever.parameters import MAX_K, check_count
from retriever.progress import progress_bar
from retriever.retrievers.alignment import Alignment, align
from retriever.retrievers.base import (
    Hit,
    check_dimension,
    check_queries,
    check_query,
    check_same_weights,
    hits_of,
    passages_of_texts,
    scored_passages,
)
from retriever.storage.token_snapshot import TokenSnapshot, read_token_snapshot, write_token_snapshot
from retriever.vectors import Float32, Int64, check_vectors

MAX_BYTES = 500_000_000  # of token vectors in memory: 650,000 of MiniLM's
CANDIDATES = 200  # passages that are scored where the token vectors have more
TEXTS_PER_GROUP = 256  # texts whose token vectors are in memory in full precision at once
QUERIES_PER_BLOCK = 1000  # whose scores of all texts are in memory at once


@dataclass(frozen=True, eq=False)
class _Content:
    """What a retriever holds, replaced as a whole: a search sees all of an addition or nothing of it.

    numbers: different texts -> number in the index. rows: (n_passages,) the number of each passage's text. cut: the
    numbers of the texts that have more tokens than the model reads.
    """

    index: MaxSimIndex
    passages: tuple[Passage, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    rows: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    cut: frozenset[int] = frozenset()


class LateInteractionRetriever:
    """A retriever that scores a passage by MaxSim: each token of a query takes the most similar token of the passage.

    model_name: a name in the catalogue of late-interaction models, also without ", late interaction"; the model is
    loaded when it is first needed. max_bytes: token vectors of up to this size are kept in memory, in half precision,
    and every passage is scored. If they have more, they stand in a temporary file, and for each query only as many
    different passages as `candidates` says are scored: those whose mean token vectors are the most similar to the
    query's. encoder: an encoder of your own in place of a catalogue model; model_name is then only its name. device: of
    the catalogue model, as of load_encoder.

    A score is the sum of the cosines, so it grows with the query's length, and only those of one query can be compared.
    Searching from several threads is safe, also while another thread adds texts.
    """

    def __init__(
        self,
        model_name: str = "all-MiniLM-L6-v2, late interaction",
        *,
        max_bytes: int = MAX_BYTES,
        candidates: int = CANDIDATES,
        encoder: MultiVectorEncoder | None = None,
        device: str | None = None,
    ) -> None:
        """Create an empty retriever. Raises ModelError for an unknown model, ParameterError for another setting."""
        self.model_name = model_name if encoder else late_interaction_card(model_name).name
        self.max_bytes = check_count("max_bytes", max_bytes, 0)
        self.candidates = check_count("candidates", candidates, 1)
        self._device = None if device is None else resolve_device(device)
        self._encoder = encoder
        self._loaded_fingerprint = ""  # of the encoder of vectors loaded from disk
        known = encoder.dimension if encoder else late_interaction_card(model_name).dimension
        self.dimension = known or self.encoder.dimension  # 0 outside the catalogue: the model must be loaded
        self._content = _Content(MaxSimIndex.empty(self.dimension))
        self._adding = threading.Lock()

    @property
    def encoder(self) -> MultiVectorEncoder:
        """The encoder, loaded on first use. Raises ModelError if that fails or loaded vectors have other weights."""
        if self._encoder is None:
            encoder = load_multi_vector_encoder(self.model_name, self._device)
            check_same_weights(self.model_name, self._loaded_fingerprint, encoder.fingerprint)
            self._encoder = encoder
        return self._encoder

    @property
    def fingerprint(self) -> str:
        """The identifier of the encoder's weights and precision; empty if it is not known."""
        if self._encoder is None and (card := late_interaction_card(self.model_name)).packaged:
            return token_fingerprint(card, device=self._device)
        return self.encoder.fingerprint

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages in the order they were added; replaced, never changed."""
        return self._content.passages

    @property
    def n_tokens(self) -> int:
        """The number of token vectors; equal texts share theirs."""
        return self._content.index.n_tokens

    @property
    def n_cut(self) -> int:
        """The number of passages of which the model read only the beginning, for they have too many tokens."""
        content = self._content
        return int(np.isin(content.rows, list(content.cut)).sum())

    @property
    def nbytes(self) -> int:
        """The bytes of the token vectors and of the mean vectors, in memory or in a file. The texts come on top."""
        return self._content.index.nbytes

    @property
    def exhaustive(self) -> bool:
        """Whether every passage is scored: the vectors fit into max_bytes, or there are no more than candidates."""
        index = self._content.index
        return index.in_memory or len(index) <= self.candidates

    @property
    def coverage(self) -> str:
        """Which passages are scored, as a sentence."""
        if self.exhaustive:
            return "Every passage is scored by all its token vectors (MaxSim)."
        return (
            f"The token vectors have more than {self.max_bytes / 1e6:,.0f} MB: only the {self.candidates:,} passages "
            "whose mean vectors are the most similar to the question's are scored by all their token vectors (MaxSim)."
        )

    def index(
        self,
        texts: Sequence[str],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        *,
        progress: Callable[[float], None] | None = None,
        show_progress_bar: bool | None = None,
    ) -> int:
        """Embed texts, add them with copies of their metadata, and return how many had to be embedded.

        A text that is stored already keeps its vectors. progress: called with the fraction embedded, in [0, 1]; an
        exception it raises ends the work, and nothing is added. show_progress_bar: None shows one in a notebook or at a
        prompt, without progress. Raises ParameterError if texts is one string, contains anything but strings or differs
        in number from metadata, VectorError if the encoder's vectors have another dimension or are not finite, and
        StorageError if a temporary file cannot be written.
        """
        passages = passages_of_texts(texts, metadata)
        with progress_bar("Embedding", show_progress_bar, progress) as report:
            return self.add(passages, progress=report)

    def add(self, passages: Sequence[Passage], *, progress: Callable[[float], None] | None = None) -> int:
        """Embed passages of documents and add them, as index does with texts; encoded_text is what is embedded."""
        if not passages:
            return 0
        with self._adding:
            old = self._content
            texts = [passage.encoded_text for passage in passages]
            new = [text for text in dict.fromkeys(texts) if text not in old.numbers]
            index = old.index.extended(self._embedded(new, progress), self.max_bytes)
            numbers = {**old.numbers, **{text: number for number, text in enumerate(new, len(old.numbers))}}
            self._content = _Content(
                index,
                (*old.passages, *passages),
                numbers,
                np.concatenate([old.rows, np.array([numbers[text] for text in texts], np.int64)]),
                old.cut | {numbers[text] for text in self._too_long(new)},
            )
        return len(new)

    def search(self, query: str, top_k: int = 10) -> list[Hit]:
        """Return the at most top_k texts with the highest scores, best first.

        Raises ParameterError if query is not a string, or for a top_k below 1.
        """
        check_query(query)
        content, k = self._content, check_count("top_k", top_k, 1)
        found = self._rank(content, [query], min(k, max(1, len(content.passages))))
        return hits_of(scored_passages(content.passages, found))

    def rank(self, queries: Sequence[str], k: int) -> Neighbors:
        """Return the rows of the best k passages of each query and their scores, (n_queries, k), best first.

        Equal scores go by the lower row. Places without a passage hold NO_ID. Raises ParameterError as search does.
        """
        return self._rank(self._content, check_queries(queries), check_count("k", k, 1, MAX_K))

    def alignment(self, query: str, row: int) -> Alignment:
        """Return which token of a passage, by its row, each token of the query takes; they add up to its score.

        Raises ParameterError if query is not a string or there is no such row.
        """
        check_query(query)
        content = self._content
        if not 0 <= row < len(content.passages):
            raise ParameterError(f"There is no passage in row {row!r}; wanted one below {len(content.passages)}.")
        text = content.passages[row].encoded_text
        [vectors] = self._query_vectors([query])
        tokens = self.encoder.query_tokens(query), self.encoder.document_tokens(text)
        return align(query, tokens[0], vectors, text, tokens[1], content.index.vectors_of(int(content.rows[row])))

    def save(self, folder: str | Path) -> None:
        """Write texts, metadata and token vectors into a folder, atomically. Raises StorageError if that fails."""
        content = self._content
        settings = {"max_bytes": self.max_bytes, "candidates": self.candidates}
        snapshot = TokenSnapshot(
            content.passages,
            content.index,
            content.rows,
            sorted(content.cut),
            self.model_name,
            self.fingerprint,
            settings,
        )
        write_token_snapshot(folder, snapshot)

    @classmethod
    def load(cls, folder: str | Path, *, encoder: MultiVectorEncoder | None = None, device: str | None = None) -> Self:
        """Return the retriever that save wrote, verified. encoder, device: as in the constructor.

        Raises StorageError for a folder that is damaged, not a saved LateInteractionRetriever or written by a newer
        version, and ModelError for a model that is not in the catalogue, has other weights now or another dimension.
        """
        saved = read_token_snapshot(folder)
        self = cls(saved.model_name, **saved.settings, encoder=encoder, device=device)
        check_dimension(saved.model_name, saved.index.dimension, self.dimension)
        self._loaded_fingerprint = saved.fingerprint
        if encoder or late_interaction_card(saved.model_name).packaged:
            check_same_weights(saved.model_name, saved.fingerprint, self.fingerprint)
        numbers = {saved.passages[row].encoded_text: int(number) for row, number in enumerate(saved.rows)}
        self._content = _Content(saved.index, tuple(saved.passages), numbers, saved.rows, frozenset(saved.cut))
        return self

    def _embedded(self, texts: Sequence[str], progress: Callable[[float], None] | None) -> Iterator[list[Float32]]:
        """Yield the token vectors of texts in groups; progress goes by characters."""
        total = sum(map(len, texts)) or 1
        done = 0
        for start in range(0, len(texts), TEXTS_PER_GROUP):
            group = texts[start : start + TEXTS_PER_GROUP]
            share = sum(map(len, group))
            report = _part_of(progress, done / total, share / total) if progress else None
            vectors = self.encoder.encode_document(group, progress=report)
            if len(vectors) != len(group):
                raise VectorError(f"The encoder gave {len(vectors)} of {len(group)} texts; wanted vectors of each.")
            yield [check_vectors(made, self.dimension, what="token vectors") for made in vectors]
            done += share
        if progress:
            progress(1.0)

    def _too_long(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that have more tokens than the model reads."""
        limit = self.encoder.max_tokens if texts else None
        if limit is None:
            return []
        return [text for text, count in zip(texts, self.encoder.count_tokens(texts), strict=True) if count > limit]

    def _query_vectors(self, queries: Sequence[str]) -> list[Float32]:
        return [
            check_vectors(made, self.dimension, what="query vectors") for made in self.encoder.encode_query(queries)
        ]

    def _rank(self, content: _Content, queries: Sequence[str], k: int) -> Neighbors:
        """Return what rank returns, over given content."""
        found = empty_neighbors(len(queries), k)
        if not content.passages or not queries:
            return found
        candidates = None if content.index.in_memory else max(self.candidates, k)
        vectors = self._query_vectors(queries)
        for start in range(0, len(queries), QUERIES_PER_BLOCK):
            scores = content.index.scores(vectors[start : start + QUERIES_PER_BLOCK], candidates)
            for row, of_texts in enumerate(scores, start):
                of_passages = of_texts[content.rows]
                ids = top_ids(of_passages, min(k, int(np.isfinite(of_passages).sum())))
                found.ids[row, : len(ids)], found.scores[row, : len(ids)] = ids, of_passages[ids]
        return found


def _part_of(progress: Callable[[float], None], start: float, share: float) -> Callable[[float], None]:
    """Return a progress callback of a part of the work, which begins at start."""
    return lambda fraction: progress(min(1.0, start + share * fraction))
