"""The interface of a judged search: one retriever's runs and measures on a collection with judged queries."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from retriever.documents.document import Passage, ScoredPassage
from retriever.evaluation.judged_queries import JudgedQueries, JudgmentCoverage
from retriever.evaluation.measures import Evaluation
from retriever.evaluation.trec import Run

RUN_DEPTH = 100  # documents in a run, for the measures of whole runs (recip_rank, map)


class JudgedSearch(Protocol):
    """Interface of a retriever that has indexed a collection and is asked its judged queries.

    Results are those of a search that skips no passage which the retriever would rank, and are the same each time.
    """

    @property
    def name(self) -> str:
        """The retriever as records, the API and the page call it."""
        ...

    @property
    def judged(self) -> JudgedQueries:
        """The judged queries, without judgments that a query answers itself."""
        ...

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages that are searched."""
        ...

    @property
    def own_documents(self) -> frozenset[str]:
        """The queries that are themselves documents, which are left out of their own results."""
        ...

    @property
    def cut(self) -> frozenset[str]:
        """The queries longer than what the retriever reads of a query."""
        ...

    @property
    def n_cut(self) -> int:
        """The number of passages longer than what the retriever reads of a passage."""
        ...

    @property
    def coverage(self) -> JudgmentCoverage:
        """How many queries the means are of, and how many of those have a text and an answer here."""
        ...

    @property
    def seconds_to_index(self) -> float | None:
        """How long it took to make what is searched of the passages; None if that was not measured here."""
        ...

    @property
    def searched_bytes(self) -> int:
        """The bytes of what a search reads, without the texts of the passages."""
        ...

    def run(self, k: int) -> Run:
        """Return the run of the judged queries, at least 100 documents deep where so many are found."""
        ...

    def evaluation(self, k: int) -> Evaluation:
        """Return trec_eval's measures at k."""
        ...

    def ranking(self, query_id: str, k: int) -> list[ScoredPassage]:
        """Return the best passage of each of the k best documents of one judged query."""
        ...

    def answerable(self, query_id: str) -> bool:
        """Return whether the collection contains a document that answers a judged query."""
        ...

    def search_once(self, query: str, k: int) -> None:
        """Search for one query, from its text to its ranking, and forget the result: what is timed."""
        ...


def answer_rank(search: JudgedSearch, query_id: str) -> int | None:
    """Return the rank, from 1, of the first answer in a search's run; None if it is not in the first 100."""
    judged = search.judged
    return first_answer_rank(search.run(1).get(query_id, {}), judged.qrels[query_id], judged.relevance_level)


def first_answer_rank(ranking: Mapping[str, float], grades: Mapping[str, int], relevance_level: int) -> int | None:
    """Return the rank, from 1, of the first document of a ranking that is an answer; None if there is none."""
    ranks = (rank for rank, doc_id in enumerate(ranking, 1) if grades.get(doc_id, 0) >= relevance_level)
    return next(ranks, None)
