"""A judged collection indexed with one model: its runs and measures by exact search and by HNSW."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from retriever.documents.document import Passage, ScoredPassage
from retriever.encoders.base import cut_queries
from retriever.encoders.loading import load_encoder
from retriever.errors import CollectionError
from retriever.evaluation.judged_queries import JudgedQueries, JudgmentCoverage
from retriever.evaluation.measures import Evaluation, evaluate
from retriever.evaluation.trec import Run
from retriever.experiments.error_attribution import ErrorAttribution, attribute_errors
from retriever.experiments.judged_ranking import JudgedRetriever
from retriever.experiments.judged_search import RUN_DEPTH
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from retriever.retrievers.document_runs import document_ids, own_documents, search_documents, search_run
from retriever.shared_results import SharedResults
from retriever.vectors import Float32

BUILD_PATIENCE = 600.0  # seconds to wait for another visitor who makes the same retriever
QUESTIONS_PER_BATCH = 128  # questions embedded between two progress reports


@dataclass(eq=False)
class JudgedIndex:
    """An indexed collection and its judged queries, embedded by the same model: vectors (n_asked, dim).

    own_documents: queries that are themselves documents, which are left out of their own results. cut: queries longer
    than the model's limit. seconds_to_index: of embedding the passages; None where vectors came with this package.
    beside: other retrievers over the same passages, by name, which copies with another graph share. Results are cached,
    as exact search and a graph give the same each time.
    """

    indexed: IndexedCollection
    judged: JudgedQueries
    vectors: Float32
    own_documents: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    seconds_to_index: float | None = None
    beside: SharedResults[str, JudgedRetriever] = field(
        default_factory=lambda: SharedResults(patience=BUILD_PATIENCE), repr=False
    )
    _runs: dict[int, Run] = field(default_factory=dict, repr=False)  # of exact search, by depth
    _evaluations: dict[int, Evaluation] = field(default_factory=dict, repr=False)  # of exact search, by k
    _errors: dict[tuple[int, int], ErrorAttribution] = field(default_factory=dict, repr=False)  # by k and ef

    @property
    def name(self) -> str:
        """The name of the model that made the vectors."""
        return self.indexed.settings.model_name

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages that are searched."""
        return self.indexed.retriever.passages

    @property
    def n_cut(self) -> int:
        """The number of passages longer than the model's limit."""
        return self.indexed.n_cut

    @property
    def searched_bytes(self) -> int:
        """The bytes of the vectors, which exact search reads."""
        return self.indexed.retriever.vectors.nbytes

    @cached_property
    def coverage(self) -> JudgmentCoverage:
        """How many queries the means are of, and how many of those have a text and an answer here."""
        return self.judged.coverage(document_ids(self.indexed.retriever))

    def run(self, k: int, ef: int | None = None) -> Run:
        """Return the run of the judged queries: at least 100 documents deep by exact search, k deep by HNSW at ef."""
        if ef is not None:
            return self._search(k, ef)
        depth = max(k, RUN_DEPTH)
        if depth not in self._runs:
            self._runs[depth] = self._search(depth, None)
        return self._runs[depth]

    def evaluation(self, k: int, ef: int | None = None) -> Evaluation:
        """Return trec_eval's measures at k, of exact search, or of HNSW if ef is given."""
        if ef is not None:
            return self._evaluate(k, ef)
        if k not in self._evaluations:
            self._evaluations[k] = self._evaluate(k, None)
        return self._evaluations[k]

    def errors(self, k: int, ef: int) -> ErrorAttribution:
        """Return the questions by where their answer was lost: by the model, or by the graph at ef."""
        if (k, ef) not in self._errors:
            self._errors[k, ef] = attribute_errors(self.evaluation(k).hits, self.evaluation(k, ef).hits)
        return self._errors[k, ef]

    def ranking(self, query_id: str, k: int, ef: int | None = None) -> list[ScoredPassage]:
        """Return the best chunk of each of the k best documents of one judged query."""
        row = list(self.judged.asked).index(query_id)
        own = query_id if query_id in self.own_documents else None
        return search_documents(self.indexed.retriever, self.vectors[row : row + 1], k, ef=ef, left_out=own)

    def search_once(self, query: str, k: int) -> None:
        """Search for one query exactly, from its text to its ranking, and forget the result: what is timed."""
        self.indexed.retriever.rank([query], k)

    def answerable(self, query_id: str) -> bool:
        """Return whether the collection contains a document that answers a judged query."""
        return not self.judged.answers(query_id).isdisjoint(document_ids(self.indexed.retriever))

    def with_graph(self, M: int, ef_construction: int) -> "JudgedIndex":
        """Return the same collection with another graph; vectors and results of exact search are shared."""
        indexed = self.indexed.with_graph(M, ef_construction)
        return replace(self, indexed=indexed, _errors={})

    def with_relevance_level(self, level: int) -> "JudgedIndex":
        """Return the same collection with another relevance level; vectors and runs of exact search are shared."""
        return replace(self, judged=replace(self.judged, relevance_level=level), _evaluations={}, _errors={})

    def _search(self, k: int, ef: int | None) -> Run:
        own = {query_id: query_id for query_id in self.own_documents}
        return search_run(self.indexed.retriever, list(self.judged.asked), self.vectors, k, ef=ef, left_out=own)

    def _evaluate(self, k: int, ef: int | None) -> Evaluation:
        return evaluate(self.judged.qrels, self.run(k, ef), k=k, relevance_level=self.judged.relevance_level)


def embed_judged_queries(
    indexed: IndexedCollection, judged: JudgedQueries | None = None, *, progress: Progress | None = None
) -> JudgedIndex:
    """Return a collection with its judged queries, or those given, embedded.

    A query that is itself a document is left out of its own results, and so are judgments that it answers itself; it
    stays where it is judged the best answer, as then it is what is to be found. progress: called with the stage
    "questions" and the fraction embedded. Raises CollectionError if there are no judged queries, or if the judgments
    fit none of the queries or documents.
    """
    judged = check_judged(indexed, judged or indexed.judged)
    own = own_documents(indexed.retriever, judged.asked)
    own = {query_id for query_id in own if not judged.is_own_best_answer(query_id)}
    judged = judged.without_own_documents(own)
    encoder, texts = load_encoder(indexed.settings.model_name), list(judged.asked.values())
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    for start in range(0, len(texts), QUESTIONS_PER_BATCH):
        if progress:
            progress("questions", start / len(texts))
        vectors[start : start + QUESTIONS_PER_BATCH] = encoder.encode_query(texts[start : start + QUESTIONS_PER_BATCH])
    cut, seconds = cut_queries(encoder, judged.asked), indexed.seconds.get("embedding")
    return JudgedIndex(indexed, judged, vectors, frozenset(own), cut, None if indexed.n_packed else seconds)


def check_judged(indexed: IndexedCollection, judged: JudgedQueries | None) -> JudgedQueries:
    """Return judged queries, checked. Raises CollectionError for none, or if they fit no query or no document."""
    if judged is None:
        raise CollectionError(
            f"{indexed.name} has no judgments, which say what answers a question; add qrels in TREC's or BEIR's format."
        )
    judged.coverage(document_ids(indexed.retriever))
    return judged


def lower_case(judged: JudgedQueries) -> JudgedQueries:
    """Return judged queries with their texts in lower case."""
    return replace(judged, queries={query_id: text.lower() for query_id, text in judged.queries.items()})


def with_lower_case_queries(index: JudgedIndex, *, progress: Progress | None = None) -> JudgedIndex:
    """Return the same collection with lower-cased questions, for models that are case-sensitive."""
    return embed_judged_queries(index.indexed, lower_case(index.judged), progress=progress)
