"""Judged searches without an index part: a retriever that ranks by itself, and the fusion of two searches.

BM25 and late interaction rank every passage, and fusion combines two rankings; nothing is skipped as HNSW skips it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from retriever.documents.document import Passage, ScoredPassage
from retriever.evaluation.fusion import fuse
from retriever.evaluation.judged_queries import JudgedQueries, JudgmentCoverage
from retriever.evaluation.measures import Evaluation, evaluate
from retriever.evaluation.trec import Run
from retriever.experiments.judged_search import RUN_DEPTH, JudgedSearch
from retriever.parameters import check_count
from retriever.retrievers.base import Retriever
from retriever.retrievers.document_runs import best_passages, document_ids, rank_documents

FUSION_K = 60  # the constant of reciprocal rank fusion: the larger, the less the first ranks count before the others


class _JudgedRanking(ABC):
    """Runs and measures of what ranks documents for queries; both are cached, as they are the same each time."""

    judged: JudgedQueries

    def __post_init__(self) -> None:
        """Start without results."""
        self._runs: dict[int, Run] = {}
        self._evaluations: dict[int, Evaluation] = {}

    def run(self, k: int) -> Run:
        """Return the run of the judged queries, at least 100 documents deep where so many are found."""
        depth = max(check_count("k", k, 1), RUN_DEPTH)
        if depth not in self._runs:
            self._runs[depth] = self._rank_all(depth)
        return self._runs[depth]

    def evaluation(self, k: int) -> Evaluation:
        """Return trec_eval's measures at k."""
        if k not in self._evaluations:
            level = self.judged.relevance_level
            self._evaluations[k] = evaluate(self.judged.qrels, self.run(k), k=k, relevance_level=level)
        return self._evaluations[k]

    @abstractmethod
    def _rank_all(self, depth: int) -> Run:
        """Return the depth best documents of each judged query."""


@dataclass(eq=False)
class JudgedRetriever(_JudgedRanking):
    """A retriever that ranks the passages of a collection by itself, such as BM25, and the collection's judged queries.

    n_cut, seconds_to_index and searched_bytes: as in JudgedSearch. find_cut: returns the ids of queries (id -> text)
    that the retriever does not read whole; None if it reads texts of any length. score_name: what its scores are.
    settings: those of the retriever, for a record. remark: what else must be said of its results.
    """

    name: str
    retriever: Retriever
    judged: JudgedQueries
    own_documents: frozenset[str] = frozenset()
    find_cut: Callable[[Mapping[str, str]], frozenset[str]] | None = None
    n_cut: int = 0
    seconds_to_index: float | None = None
    searched_bytes: int = 0
    score_name: str = "score"
    settings: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages that are searched."""
        return self.retriever.passages

    @property
    def limited(self) -> bool:
        """Whether it reads only so much of a text."""
        return self.find_cut is not None

    @cached_property
    def cut(self) -> frozenset[str]:
        """The queries that it does not read whole."""
        return self.find_cut(self.judged.asked) if self.find_cut else frozenset()

    @cached_property
    def coverage(self) -> JudgmentCoverage:
        """How many queries the means are of, and how many of those have a text and an answer here."""
        return self.judged.coverage(self._doc_ids)

    def answerable(self, query_id: str) -> bool:
        """Return whether the collection contains a document that answers a judged query."""
        return not self.judged.answers(query_id).isdisjoint(self._doc_ids)

    def ranking(self, query_id: str, k: int) -> list[ScoredPassage]:
        """Return the best passage of each of the k best documents of one judged query."""
        own = query_id if query_id in self.own_documents else None
        return best_passages(self.retriever, self.judged.queries[query_id], k, left_out=own)

    def search_once(self, query: str, k: int) -> None:
        """Search for one query, from its text to its ranking, and forget the result: what is timed."""
        self.retriever.rank([query], k)

    def with_judged(self, judged: JudgedQueries, own_documents: frozenset[str]) -> Self:
        """Return the same retriever with other judged queries, of which some may be documents themselves."""
        return replace(self, judged=judged, own_documents=own_documents)

    @cached_property
    def _doc_ids(self) -> frozenset[str]:
        return frozenset(document_ids(self.retriever))

    def _rank_all(self, depth: int) -> Run:
        own = {query_id: query_id for query_id in self.own_documents}
        return rank_documents(self.retriever, self.judged.asked, depth, left_out=own)


@dataclass(eq=False)
class JudgedFusion(_JudgedRanking):
    """The reciprocal rank fusion of two searches of one collection and its judged queries; fusion_k: its constant."""

    parts: tuple[JudgedSearch, JudgedSearch]
    fusion_k: int = FUSION_K
    judged: JudgedQueries = field(init=False)

    def __post_init__(self) -> None:
        """Take the judged queries of the parts."""
        super().__post_init__()
        self.judged = self.parts[0].judged

    @property
    def name(self) -> str:
        """The names of both parts."""
        return " + ".join(part.name for part in self.parts)

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages that are searched."""
        return self.parts[0].passages

    @property
    def coverage(self) -> JudgmentCoverage:
        """How many queries the means are of, and how many of those have a text and an answer here."""
        return self.parts[0].coverage

    def answerable(self, query_id: str) -> bool:
        """Return whether the collection contains a document that answers a judged query."""
        return self.parts[0].answerable(query_id)

    @property
    def own_documents(self) -> frozenset[str]:
        """The queries that are themselves documents, which both parts leave out of their own results."""
        return self.parts[0].own_documents

    @property
    def cut(self) -> frozenset[str]:
        """The queries that at least one part does not read whole."""
        return self.parts[0].cut | self.parts[1].cut

    @property
    def n_cut(self) -> int:
        """The number of passages that the part which cuts more does not read whole."""
        return max(part.n_cut for part in self.parts)

    @property
    def seconds_to_index(self) -> float | None:
        """How long it took to index for both parts; None if one of them was not measured here."""
        first, second = (part.seconds_to_index for part in self.parts)
        return None if first is None or second is None else first + second

    @property
    def searched_bytes(self) -> int:
        """The bytes of what both parts read."""
        return sum(part.searched_bytes for part in self.parts)

    def ranking(self, query_id: str, k: int) -> list[ScoredPassage]:
        """Return a passage of each of the k best documents: of the first part that finds the document."""
        found: dict[str, Passage] = {}
        for part in self.parts:
            documents = list(part.run(k).get(query_id, {}))  # in the order of the part's ranking
            for doc_id, hit in zip(documents, part.ranking(query_id, len(documents) or 1), strict=False):
                found.setdefault(doc_id, hit.passage)
        best = list(self.run(k).get(query_id, {}).items())[:k]
        return [ScoredPassage(found[doc_id], score) for doc_id, score in best]

    def search_once(self, query: str, k: int) -> None:
        """Search for one query with both parts, as deep as their runs are fused."""
        for part in self.parts:
            part.search_once(query, max(k, RUN_DEPTH))

    def _rank_all(self, depth: int) -> Run:
        return fuse(*(part.run(depth) for part in self.parts), k=self.fusion_k, depth=depth)
