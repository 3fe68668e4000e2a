"""Comparison of two models on one judged collection: every measure, and the hit rate by kind of question."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from retriever.errors import CollectionError
from retriever.evaluation.measures import Evaluation, measure_names
from retriever.evaluation.significance import Comparison, compare, correct_together
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.unjudged_results import UnjudgedResults, unjudged_results

NO_KIND = "(no kind)"  # label of questions without a kind, where others have one
MOSTLY_CAPITALS = 0.6  # fraction of capital letters from which on a text counts as written in capitals


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """The comparison of two models' exact search on the same judged queries.

    measures: trec_eval's name -> comparison over all queries, the hit rate first. kinds: kind of question -> comparison
    of the hit rate over its questions; empty if the questions are not of several kinds. The p of all measures are
    corrected together, and so are those of all kinds. unjudged: what the unjudged of the first k results leave open.
    """

    first: JudgedIndex
    second: JudgedIndex
    k: int
    measures: Mapping[str, Comparison]
    kinds: Mapping[str, Comparison]
    unjudged: UnjudgedResults

    @property
    def hit_rate(self) -> Comparison:
        """The comparison of the hit rate at k."""
        return self.measures[f"success_{self.k}"]

    def errors(self, ef: int) -> tuple[ErrorAttribution, ErrorAttribution]:
        """Return where the answers of each model were lost at ef; the graphs are searched in two threads."""
        with ThreadPoolExecutor(2, "errors") as pool:
            first, second = pool.map(lambda index: index.errors(self.k, ef), (self.first, self.second))
        return first, second

    @property
    def models(self) -> tuple[str, str]:
        """The names of the two models."""
        return self.first.model_name, self.second.model_name


def compare_models(first: JudgedIndex, second: JudgedIndex, k: int) -> ModelComparison:
    """Return the comparison of two models' exact search by trec_eval's measures at k.

    Raises CollectionError if their queries or judgments differ, ParameterError for k below 1.
    """
    if first.judged.qrels != second.judged.qrels or first.judged.queries != second.judged.queries:
        raise CollectionError("The two models were asked different queries; compare them on one collection.")
    a, b = first.evaluation(k), second.evaluation(k)
    by_measure = correct_together({measure: compare(a, b, measure) for measure in measure_names(k)})
    kinds = dict.fromkeys(first.judged.kinds.get(query_id, "") for query_id in a.per_query)
    parts = {kind: (_of_kind(a, first, kind), _of_kind(b, second, kind)) for kind in kinds} if len(kinds) > 1 else {}
    by_kind = {kind or NO_KIND: compare(one, other, f"success_{k}") for kind, (one, other) in parts.items()}
    unjudged = unjudged_results(first.run(k), second.run(k), first.judged, k)
    return ModelComparison(first, second, k, by_measure, correct_together(by_kind), unjudged)


def answer_rank(index: JudgedIndex, query_id: str) -> int | None:
    """Return the rank, from 1, of the first answer in the run of exact search; None if it is not in the first 100."""
    return first_answer_rank(index.run(1).get(query_id, {}), index.judged.qrels[query_id], index.judged.relevance_level)


def first_answer_rank(ranking: Mapping[str, float], grades: Mapping[str, int], relevance_level: int) -> int | None:
    """Return the rank, from 1, of the first document of a ranking that is an answer; None if there is none."""
    ranks = (rank for rank, doc_id in enumerate(ranking, 1) if grades.get(doc_id, 0) >= relevance_level)
    return next(ranks, None)


def queries_in_capitals(index: JudgedIndex) -> bool:
    """Return whether the questions are written in capitals and the documents are not, as in the Vaswani collection."""
    return (
        _capital_share(list(index.judged.asked.values()))
        >= MOSTLY_CAPITALS
        > _capital_share([passage.encoded_text for passage in index.indexed.retriever.passages[:1000]])
    )


def _capital_share(texts: list[str]) -> float:
    """Return the fraction of capitals among the letters of texts."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return sum(letter.isupper() for letter in letters) / max(len(letters), 1)


def _of_kind(evaluation: Evaluation, index: JudgedIndex, kind: str) -> Evaluation:
    """Return the evaluation of the questions of one kind."""
    kinds = index.judged.kinds
    part = {query_id: v for query_id, v in evaluation.per_query.items() if kinds.get(query_id, "") == kind}
    return replace(evaluation, per_query=part)
