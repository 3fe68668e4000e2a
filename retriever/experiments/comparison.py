"""Comparison of two to four retrievers on one judged collection: every measure, and the hit rate by kind of question.

Each pair is compared by itself; the p of all pairs are corrected together.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

from retriever.errors import CollectionError, ParameterError
from retriever.evaluation.measures import Evaluation, measure_names
from retriever.evaluation.significance import Comparison, Interval, compare, comparison_table, correct_together
from retriever.experiments.error_attribution import ErrorAttribution, attribute_errors
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_search import JudgedSearch
from retriever.experiments.unjudged_results import UnjudgedResults, unjudged_results

LEAST_COMPARED, MOST_COMPARED = 2, 4  # retrievers in one comparison
NO_KIND = "(no kind)"  # label of questions without a kind, where others have one
MOSTLY_CAPITALS = 0.6  # fraction of capital letters from which on a text counts as written in capitals


@dataclass(frozen=True, eq=False)
class PairComparison:
    """The comparison of two retrievers on the same judged queries.

    measures: trec_eval's name -> comparison over all queries, the hit rate first. kinds: kind of question -> comparison
    of the hit rate over its questions; empty if the questions are not of several kinds. unjudged: what the unjudged of
    the first k results leave open.
    """

    first: JudgedSearch
    second: JudgedSearch
    k: int
    measures: Mapping[str, Comparison]
    kinds: Mapping[str, Comparison]
    unjudged: UnjudgedResults

    @property
    def hit_rate(self) -> Comparison:
        """The comparison of the hit rate at k."""
        return self.measures[f"success_{self.k}"]

    @property
    def ndcg(self) -> Comparison:
        """The comparison of nDCG at k."""
        return self.measures[f"ndcg_cut_{self.k}"]

    @property
    def names(self) -> tuple[str, str]:
        """The names of the two retrievers."""
        return self.first.name, self.second.name


@dataclass(frozen=True, eq=False)
class RetrieverComparison:
    """The comparison of two to four retrievers, the sides, on the same judged queries.

    pairs: numbers of two sides, the lower first -> their comparison. The p of all measures and pairs are corrected
    together, and so are those of all kinds and pairs.
    """

    sides: Sequence[JudgedSearch]
    k: int
    pairs: Mapping[tuple[int, int], PairComparison]

    @property
    def names(self) -> list[str]:
        """The names of the retrievers."""
        return [side.name for side in self.sides]

    @property
    def pair(self) -> PairComparison:
        """The comparison of the first two."""
        return self.pairs[0, 1]

    @property
    def measures(self) -> list[str]:
        """trec_eval's names of the measures, the hit rate first."""
        return list(self.pair.measures)

    @property
    def kinds(self) -> list[str]:
        """The kinds of question; empty if the questions are not of several kinds."""
        return list(self.pair.kinds)

    @property
    def query_ids(self) -> list[str]:
        """The ids of all questions that the means are of."""
        return list(self.pair.hit_rate.differences)

    @property
    def hit_rate(self) -> str:
        """trec_eval's name of the hit rate at k."""
        return f"success_{self.k}"

    @property
    def judged_shares(self) -> list[float]:
        """The share of the first k results that is judged, of each side."""
        return [pair.unjudged.judged[place] for pair, place in self._places]

    @property
    def highest_hit_rates(self) -> list[float]:
        """The hit rate of each side if each unjudged result were an answer."""
        return [pair.unjudged.highest[place] for pair, place in self._places]

    def score(self, measure: str, number: int) -> Interval:
        """Return the mean of a measure of one side, by its number, with its interval."""
        pair, place = self._places[number]
        found = pair.measures[measure]
        return found.second if place else found.first

    def score_of_kind(self, kind: str, number: int) -> Interval:
        """Return the hit rate of one side for the questions of a kind, with its interval."""
        pair, place = self._places[number]
        found = pair.kinds[kind]
        return found.second if place else found.first

    def errors(self, ef: int) -> list[ErrorAttribution]:
        """Return where the answers of each side were lost at ef; graphs are searched in threads, one a side."""
        with ThreadPoolExecutor(len(self.sides), "errors") as pool:
            return list(pool.map(lambda side: errors_of(side, self.k, ef), self.sides))

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas with a row for each pair and measure: retriever, other, comparison_table's."""
        from pandas import concat

        tables = []
        for pair in self.pairs.values():
            tables.append(comparison_table(pair.measures.values()))
            for place, (column, name) in enumerate(zip(("retriever", "other"), pair.names, strict=True)):
                tables[-1].insert(place, column, name)
        return concat(tables, ignore_index=True)

    @cached_property
    def _places(self) -> list[tuple[PairComparison, int]]:
        """For each side a pair that it belongs to, and whether it is the first or the second there."""
        return [(self.pair, 0), *((self.pairs[0, number], 1) for number in range(1, len(self.sides)))]


def compare_retrievers(sides: Sequence[JudgedSearch], k: int) -> RetrieverComparison:
    """Return the comparison of two to four retrievers by trec_eval's measures at k.

    Raises CollectionError if their queries or judgments differ, ParameterError for k below 1 or another number of them.
    """
    if not LEAST_COMPARED <= len(sides) <= MOST_COMPARED:
        raise ParameterError(f"There are {len(sides)} retrievers to compare; wanted two to four.")
    judged = sides[0].judged
    if any(side.judged.qrels != judged.qrels or side.judged.queries != judged.queries for side in sides[1:]):
        raise CollectionError("The retrievers were asked different queries; compare them on one collection.")
    found = [side.evaluation(k) for side in sides]
    kinds = list(dict.fromkeys(judged.kinds.get(query_id, "") for query_id in found[0].per_query))
    parts = {kind: [_of_kind(one, judged.kinds, kind) for one in found] for kind in kinds if len(kinds) > 1}
    pairs = list(combinations(range(len(sides)), 2))
    tested = {(pair, name): _compared(found, pair, name) for pair in pairs for name in measure_names(k)}
    of_kinds = {
        (pair, kind or NO_KIND): _compared(part, pair, f"success_{k}") for pair in pairs for kind, part in parts.items()
    }
    tested, of_kinds = correct_together(tested), correct_together(of_kinds)
    return RetrieverComparison(
        tuple(sides),
        k,
        {
            pair: PairComparison(
                sides[pair[0]],
                sides[pair[1]],
                k,
                {name: one for (of, name), one in tested.items() if of == pair},
                {kind: one for (of, kind), one in of_kinds.items() if of == pair},
                unjudged_results(sides[pair[0]].run(k), sides[pair[1]].run(k), judged, k),
            )
            for pair in pairs
        },
    )


def errors_of(side: JudgedSearch, k: int, ef: int) -> ErrorAttribution:
    """Return a retriever's questions by where their answer was lost; without an index nothing is lost by one."""
    if isinstance(side, JudgedIndex):
        return side.errors(k, ef)
    hits = side.evaluation(k).hits
    return attribute_errors(hits, hits)


def queries_in_capitals(search: JudgedSearch) -> bool:
    """Return whether the questions are written in capitals and the documents are not, as in the Vaswani collection."""
    return (
        _capital_share(list(search.judged.asked.values()))
        >= MOSTLY_CAPITALS
        > _capital_share([passage.encoded_text for passage in search.passages[:1000]])
    )


def _capital_share(texts: list[str]) -> float:
    """Return the fraction of capitals among the letters of texts."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return sum(letter.isupper() for letter in letters) / max(len(letters), 1)


def _compared(evaluations: Sequence[Evaluation], pair: tuple[int, int], measure: str) -> Comparison:
    """Return the comparison of two of the evaluations, by their numbers."""
    return compare(evaluations[pair[0]], evaluations[pair[1]], measure)


def _of_kind(evaluation: Evaluation, kinds: Mapping[str, str], kind: str) -> Evaluation:
    """Return the evaluation of the questions of one kind; kinds: query id -> its kind."""
    part = {query_id: v for query_id, v in evaluation.per_query.items() if kinds.get(query_id, "") == kind}
    return replace(evaluation, per_query=part)
