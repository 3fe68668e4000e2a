"""Collections of documents with queries and relevance judgments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from retriever.documents.document import Document, TableColumns
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import Qrels


@dataclass(frozen=True)
class Origin:
    """Where a collection's documents come from, so that they can be read again and are known to be the same.

    kind: "sample", "files", "text", "archive" (in BEIR layout) or "saved". name: of a sample. text: that was pasted.
    files: name and SHA-256 of each file or archive, in the order in which they were read. columns: of tables among
    them. part and split: of an archive, where they were chosen.
    """

    kind: str
    name: str = ""
    text: str = ""
    files: Sequence[tuple[str, str]] = ()
    columns: TableColumns = TableColumns()
    part: str = ""
    split: str = ""


@dataclass(frozen=True, eq=False)
class Collection:
    """Documents, queries (query id -> text) and qrels (query id -> document id -> grade).

    relevance_level: the lowest grade of a relevant document. kinds: query id -> kind of question. passage: the function
    that returns a document's text for the encoder, if each document is one passage; None if documents are chunked.
    failed: files and parts of files that could not be read -> reason. notes: file -> sentences on what was guessed,
    chosen or left out while it was read. chunk_size: in tokens, None for the model's default; reduced to the
    model's limit where that is lower. origin: where the documents come from, if that is known.
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
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    origin: Origin | None = None

    @property
    def judged(self) -> JudgedQueries | None:
        """The queries with their judgments, or None if there are none."""
        if not self.queries or not self.qrels:
            return None
        return JudgedQueries(self.queries, self.qrels, self.relevance_level, self.kinds)
