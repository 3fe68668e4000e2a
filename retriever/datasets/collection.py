"""Collections: documents with the queries asked of them and the judgments of what answers."""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retriever.documents.document import Document
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import Qrels

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
QUERY_CHARACTERS = (25, 200)  # of a drawn sentence: shorter says too little, longer is no question


@dataclass(frozen=True, eq=False)
class Collection:
    """Hold documents, queries (query id -> text) and qrels (query id -> document id -> grade).

    relevance_level: the grade from which on a document is an answer. kinds: query id -> what kind of question it is.
    passage: how a whole document is written for the encoder, where each document is one passage; None where
    documents are chunked. failed: files that could not be read, with the reason. chunk_size: in tokens, where the
    collection has one of its own in place of the model's default; a model that reads less gets less.
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
        """The queries with their judgments; None where there are none."""
        if not self.queries or not self.qrels:
            return None
        return JudgedQueries(self.queries, self.qrels, self.relevance_level, self.kinds)


def draw_queries(texts: Iterable[str], *, count: int = 100, seed: int = 42) -> list[str]:
    """Draw sentences out of texts to measure with, where a collection has no queries of its own.

    The same texts and seed give the same sentences. A sentence that is a whole text is left out: its vector is
    stored, and stored vectors as queries flatter recall. Texts of nothing else give halves of theirs.
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
    """Fold white space: a PDF breaks its lines anywhere, and a question has one."""
    return " ".join(text.split())


def _half(text: str) -> str:
    """Return the first half of a text's words, or of its characters where it has no two words."""
    text = text.strip()[: 2 * QUERY_CHARACTERS[1]]
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 1 else text[: len(text) // 2]
