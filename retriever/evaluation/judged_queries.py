"""Judged queries: queries with relevance judgments of documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retriever.errors import CollectionError
from retriever.evaluation.trec import MAX_GRADE, Qrels


@dataclass(frozen=True)
class JudgmentCoverage:
    """Coverage of judgments: how many judged queries have a text and how many judged documents are in the collection.

    queries: judged queries with a text, of judged_queries. documents: judged documents in the collection, of
    judged_documents.
    """

    queries: int
    judged_queries: int
    documents: int
    judged_documents: int


@dataclass(frozen=True, eq=False)
class JudgedQueries:
    """Queries (query id -> text) and qrels (query id -> document id -> grade).

    relevance_level: the lowest grade of a relevant document. kinds: query id -> kind of question, if the collection
    names it.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    relevance_level: int = 1
    kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> Mapping[str, str]:
        """The queries that have judgments, in the order of the judgments."""
        return {query_id: self.queries[query_id] for query_id in self.qrels if query_id in self.queries}

    def answers(self, query_id: str) -> set[str]:
        """Return the ids of the documents that are relevant to a judged query."""
        return {doc_id for doc_id, grade in self.qrels[query_id].items() if grade >= self.relevance_level}

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, which JSON can represent and parse_judged_queries reads."""
        qrels = {query_id: dict(documents) for query_id, documents in self.qrels.items()}
        return {
            "queries": dict(self.queries),
            "qrels": qrels,
            "relevance_level": self.relevance_level,
            "kinds": dict(self.kinds),
        }

    def coverage(self, doc_ids: Iterable[str]) -> JudgmentCoverage:
        """Count how many judged queries and documents are among the queries and doc_ids.

        Raises CollectionError if nothing is judged, or if no query or no document matches: such judgments belong to
        another collection.
        """
        known = set(doc_ids)
        if not any(self.qrels.values()):
            raise CollectionError("The judgments judge nothing; add a line for each: query id, document id, grade.")
        judged = dict.fromkeys(doc_id for documents in self.qrels.values() for doc_id in documents)
        counts = JudgmentCoverage(
            len(self.asked), len(self.qrels), sum(doc_id in known for doc_id in judged), len(judged)
        )
        if not counts.queries:
            raise CollectionError(
                f"0 of {counts.judged_queries:,} query ids in the judgments (the first is {next(iter(self.qrels))!r}) "
                f"are among the {len(self.queries):,} queries; choose the judgments that belong to these queries."
            )
        if not counts.documents:
            raise CollectionError(
                f"0 of {counts.judged_documents:,} document ids in the judgments (the first is "
                f"{next(iter(judged))!r}) are among the {len(known):,} documents (one is {next(iter(known), '')!r}); "
                "choose the judgments that belong to these documents."
            )
        return counts


def parse_judged_queries(saved: Mapping[str, Any]) -> JudgedQueries:
    """Return the judged queries of a dict as returned by as_dict.

    Raises ValueError if a part has another type or nothing is judged, TypeError if a part is missing or unknown.
    """
    judged = JudgedQueries(**saved)
    if not all(isinstance(part, dict) for part in (judged.queries, judged.kinds, judged.qrels)):
        raise ValueError("its judged queries are not named by ids")
    if not all(isinstance(documents, dict) for documents in judged.qrels.values()):
        raise ValueError("its judged documents are not named by ids")
    texts = [*judged.queries.values(), *judged.kinds.values()]
    grades = [grade for documents in judged.qrels.values() for grade in documents.values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("its judged queries are not texts")
    if not all(type(grade) is int and abs(grade) <= MAX_GRADE for grade in [*grades, judged.relevance_level]):
        raise ValueError("its grades are not whole numbers")
    if not grades or judged.relevance_level < 1:
        raise ValueError("its judgments judge nothing")
    return judged
