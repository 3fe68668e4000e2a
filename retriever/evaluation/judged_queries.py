"""Judged queries: queries with relevance judgments of documents."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from retriever.errors import CollectionError
from retriever.evaluation.trec import MAX_GRADE, Qrels, judged_only


@dataclass(frozen=True)
class JudgmentCoverage:
    """Coverage of judgments: how many judged queries have a text and how many judged documents are in the collection.

    queries: judged queries with a text, of judged_queries, which every mean is taken over. answerable: those of
    judged_queries to which a document of the collection is relevant. documents: judged documents in the collection, of
    judged_documents. unjudged_queries: queries that have no judgment, and are not asked.
    """

    queries: int
    judged_queries: int
    answerable: int
    documents: int
    judged_documents: int
    unjudged_queries: int


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
        return {query_id: self.queries[query_id] for query_id in judged_only(self.qrels) if query_id in self.queries}

    def answers(self, query_id: str) -> set[str]:
        """Return the ids of the documents that are relevant to a judged query."""
        return {doc_id for doc_id, grade in self.qrels[query_id].items() if grade >= self.relevance_level}

    def is_own_best_answer(self, query_id: str) -> bool:
        """Return whether the document with a query's own id answers it better than any other, by the judgments."""
        grades = self.qrels[query_id]
        own = grades.get(query_id, 0)
        return own > 0 and all(grade < own for doc_id, grade in grades.items() if doc_id != query_id)

    def without_own_documents(self, query_ids: Collection[str]) -> "JudgedQueries":
        """Return the same without the judgments that documents of these ids answer the queries of the same ids."""
        unwanted = {query_id for query_id in query_ids if self.qrels[query_id].get(query_id, 0) > 0}
        if not unwanted:
            return self
        qrels = dict(self.qrels)
        for query_id in unwanted:
            qrels[query_id] = {doc_id: grade for doc_id, grade in qrels[query_id].items() if doc_id != query_id}
        return replace(self, qrels=qrels)

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
        known, counted = set(doc_ids), judged_only(self.qrels)
        if not counted:
            raise CollectionError("The judgments judge nothing; add a line for each: query id, document id, grade.")
        judged = dict.fromkeys(doc_id for documents in counted.values() for doc_id in documents)
        counts = JudgmentCoverage(
            len(self.asked),
            len(counted),
            sum(not known.isdisjoint(self.answers(query_id)) for query_id in counted),
            sum(doc_id in known for doc_id in judged),
            len(judged),
            len(self.queries) - len(self.asked),
        )
        if not counts.queries:
            raise CollectionError(
                f"0 of {counts.judged_queries:,} query ids in the judgments (the first is {next(iter(counted))!r}) "
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
