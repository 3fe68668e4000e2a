"""Collections of documents with queries and relevance judgments, and drawing of queries from texts."""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retriever.documents.document import Document
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import Qrels

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
QUERY_CHARACTERS = (25, 200)  # limits of a drawn sentence: shorter ones say too little, longer ones are no queries


@dataclass(frozen=True, eq=False)
class Collection:
    """Documents, queries (query id -> text) and qrels (query id -> document id -> grade).

    relevance_level: the lowest grade of a relevant document. kinds: query id -> kind of question. passage: the function
    that returns a document's text for the encoder, if each document is one passage; None if documents are chunked.
    failed: files that could not be read -> reason. chunk_size: in tokens, None for the model's default; reduced to the
    model's limit where that is lower.
    """

    name: str
    documents: Sequence[Document]
    queries: Mapping[str, str] = field(default_factory=dict)
    qrels: Qrels = field(default_factory=dict)
    passage: Callable[[Document], str] | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    relevance_level: int = 1
    kinds: Mapping[str, str] = field(default_factory=dict)
    chunk_size: int | None = None

    @property
    def judged(self) -> JudgedQueries | None:
        """The queries with their judgments, or None if there are none."""
        if not self.queries or not self.qrels:
            return None
        return JudgedQueries(self.queries, self.qrels, self.relevance_level, self.kinds)


def draw_queries(texts: Iterable[str], *, count: int = 100, seed: int = 42) -> list[str]:
    """Draw sentences from texts as queries to measure with, for a collection without queries.

    The same texts and seed give the same sentences. A sentence that is a whole text is left out: its vector is
    in the index, and indexed vectors as queries inflate recall. If no sentence is left, halves of texts are drawn.
    """
    texts = list(texts)
    whole = {_one_line(text) for text in texts}
    low, high = QUERY_CHARACTERS
    sentences = dict.fromkeys(_one_line(part) for text in texts for part in SENTENCE_END.split(text))
    candidates = [part for part in sentences if low <= len(part) <= high and part not in whole]
    if not candidates:
        halves = dict.fromkeys(_half(_one_line(text)) for text in texts)
        candidates = [half for half in halves if half and half not in whole]
    return random.Random(seed).sample(candidates, min(count, len(candidates)))


def _one_line(text: str) -> str:
    """Replace runs of white space by single spaces: a PDF breaks lines anywhere, and a query is one line."""
    return " ".join(text.split())


def _half(text: str) -> str:
    """Return the first half of a text's words, or of its characters if it has fewer than two words."""
    text = text.strip()[: 2 * QUERY_CHARACTERS[1]]
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 1 else text[: len(text) // 2]
