"""Retrievers by their names, over one indexed collection and its judged queries."""

from collections.abc import Sequence

from retriever.encoders.multi_vector.catalogue import SUFFIX
from retriever.errors import ParameterError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.experiments.judged_index import JudgedIndex, embed_judged_queries
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import JudgedSearch
from retriever.indexing.collection import IndexedCollection
from retriever.indexing.pipeline import with_model
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.late_interaction import LateInteractionRetriever

PLUS = " + "  # between the names of two retrievers that are fused


def judged_searches(
    indexed: IndexedCollection, names: Sequence[str], *, judged: JudgedQueries | None = None
) -> list[JudgedSearch]:
    """Return retrievers over the passages of an indexed collection, which are asked its judged queries.

    names: embedding models, "BM25", late-interaction models (which end in ", late interaction"), and fusions of two of
    these, "BM25 + all-MiniLM-L6-v2"; what several of them need is made once. judged: queries to ask in place of the
    collection's own. Raises CollectionError if there are no judged queries or they do not fit, ModelError for an
    unknown name, ParameterError for a fusion of other than two.
    """
    base = embed_judged_queries(indexed, judged)
    made: dict[str, JudgedSearch] = {base.name: base}
    return [_search(name, base, made, judged) for name in names]


def _search(name: str, base: JudgedIndex, made: dict[str, JudgedSearch], judged: JudgedQueries | None) -> JudgedSearch:
    """Return the retriever of a name, made unless it was before."""
    if name not in made:
        parts = name.split(PLUS)
        if len(parts) > 2:
            raise ParameterError(f"{name} fuses {len(parts)} retrievers; name two, as in BM25{PLUS}{base.name}.")
        if len(parts) == 2:
            first, second = (_search(part, base, made, judged) for part in parts)
            made[name] = JudgedFusion((first, second))
        elif name == BM25Retriever.name or name.endswith(SUFFIX):
            made[name] = _without_index(name, base)
        else:
            made[name] = embed_judged_queries(with_model(base.indexed, name), judged)
    return made[name]


def _without_index(name: str, base: JudgedIndex) -> JudgedRetriever:
    """Return BM25 or late interaction over the passages of an index, with its judged queries."""
    retriever = BM25Retriever() if name == BM25Retriever.name else LateInteractionRetriever(name)
    retriever.add(base.passages)
    return JudgedRetriever(name, retriever, base.judged, base.own_documents, searched_bytes=retriever.nbytes)
