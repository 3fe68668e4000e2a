"""A judged collection indexed by one model: what it finds exactly, and what the graph loses of that."""

from dataclasses import dataclass, field

import numpy as np

from retriever.errors import CollectionError
from retriever.evaluation import Evaluation, evaluate
from retriever.index import Float32
from retriever.indexed import IndexedCollection
from retriever.judgments import JudgedQueries
from retriever.models import load_encoder
from retriever.runs import doc_id_of, search_run
from retriever.trec import Run
from retriever.two_errors import TwoErrors, two_errors

DEPTH = 100  # documents in a run, for the measures that look at the whole of it (recip_rank, map)


@dataclass(eq=False)
class JudgedIndex:
    """Hold one model's index of a collection, and its judged queries embedded: vectors (n_asked, dim).

    Everything is found once: exact search and a graph give the same each time.
    """

    indexed: IndexedCollection
    judged: JudgedQueries
    vectors: Float32
    _runs: dict[tuple[int, int | None], Run] = field(default_factory=dict, repr=False)
    _evaluations: dict[tuple[int, int | None], Evaluation] = field(default_factory=dict, repr=False)

    @property
    def model_name(self) -> str:
        """The model that made the vectors."""
        return self.indexed.settings.model_name

    def run(self, k: int, ef: int | None = None) -> Run:
        """Return the ranking: exact search's at least 100 documents deep, HNSW's k deep."""
        depth = max(k, DEPTH) if ef is None else k
        if (depth, ef) not in self._runs:
            retriever = self.indexed.retriever
            self._runs[depth, ef] = search_run(retriever, list(self.judged.asked), self.vectors, depth, ef=ef)
        return self._runs[depth, ef]

    def evaluation(self, k: int, ef: int | None = None) -> Evaluation:
        """Return trec_eval's measures at k, of exact search or of HNSW at ef."""
        if (k, ef) not in self._evaluations:
            judged = self.judged
            run = self.run(k, ef)
            self._evaluations[k, ef] = evaluate(judged.qrels, run, k=k, relevance_level=judged.relevance_level)
        return self._evaluations[k, ef]

    def errors(self, k: int, ef: int) -> TwoErrors:
        """Sort the questions by where their answer was lost: by the model, or by the graph at ef."""
        return two_errors(self.evaluation(k).hits, self.evaluation(k, ef).hits)

    def with_graph(self, M: int, ef_construction: int) -> "JudgedIndex":
        """Return the same with another graph; nothing is embedded again, exact results are kept."""
        other = JudgedIndex(self.indexed.with_graph(M, ef_construction), self.judged, self.vectors)
        other._runs.update({key: run for key, run in self._runs.items() if key[1] is None})
        other._evaluations.update({key: found for key, found in self._evaluations.items() if key[1] is None})
        return other


def judged_index(indexed: IndexedCollection, judged: JudgedQueries | None = None) -> JudgedIndex:
    """Embed the judged queries of an indexed collection: its own, or those given.

    Raises CollectionError if there are none, or if the judgments fit none of the queries or documents.
    """
    judged = judged or indexed.judged
    if judged is None:
        raise CollectionError(
            f"{indexed.name} has no judgments, which say what answers a question; add qrels in TREC's or BEIR's format."
        )
    judged.matched(doc_id_of(indexed.retriever, row) for row in range(len(indexed)))
    vectors = load_encoder(indexed.settings.model_name).encode_query(list(judged.asked.values()))
    return JudgedIndex(indexed, judged, np.asarray(vectors, np.float32))
