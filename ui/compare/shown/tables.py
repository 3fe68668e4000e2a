"""Tables and bars of a comparison as HTML, and its scores as rows of the CSV file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from retriever.evaluation.significance import TIE_TOLERANCE, Comparison, Interval
from retriever.experiments.comparison import RetrieverComparison
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_search import answer_rank
from retriever.experiments.search_costs import SearchCost
from ui.compare.sentences.wording import format_p
from ui.compare.shown.marks import ORDINALS
from ui.render.html import Html, render
from ui.render.numbers import format_gain, format_score

MEASURES = {  # what trec_eval's measures are called here, the term that defines each, and that in one line
    "success": ("hit rate@{k}", "hit rate", "Share of questions with an answer in the first {k}."),
    "ndcg": ("nDCG@{k}", "nDCG", "How high answers stand in the first {k}, by grade."),
    "recall": ("answers found@{k}", "answers found", "Share of all answers that is in the first {k}."),
    "recip": ("MRR", "MRR", "1 / rank of the first answer, averaged."),
    "map": ("MAP", "MAP", "Precision at the rank of each answer, averaged."),
}
ERROR_PARTS = {"kept": "found by HNSW", "index": "lost by the index", "model": "lost by the model"}
RANKED_PARTS = {"kept": "found", "model": "lost by the ranking"}  # without an index


@dataclass(frozen=True)
class MeasureRow:
    """One measure's row of the scoreboard; best: the numbers of the best retrievers, none if all are equal.

    difference: of the first two, if there are no others.
    """

    measure: str
    title: str
    term: str
    sentence: str
    scores: Sequence[Html]
    best: frozenset[int]
    difference: Html | None

    @classmethod
    def of(cls, measure: str, compared: RetrieverComparison) -> Self:
        """Return the row of a measure, by trec_eval's name."""
        title, term, sentence = measure_words(measure, compared.k)
        scores = [compared.score(measure, number) for number in range(len(compared.sides))]
        high, low = max(score.mean for score in scores), min(score.mean for score in scores)
        best = {number for number, score in enumerate(scores) if high - score.mean <= TIE_TOLERANCE < high - low}
        difference = _difference_cell(compared.pair.measures[measure]) if len(scores) == 2 else None
        return cls(measure, title, term, sentence, [*map(interval_cell, scores)], frozenset(best), difference)


def measure_words(measure: str, k: int) -> list[str]:
    """Return a measure's title, the term that defines it, and one line on it."""
    return [words.format(k=k) for words in MEASURES[measure.split("_")[0]]]


def scoreboard(compared: RetrieverComparison) -> Html:
    """Return the table of all scores by every measure, with intervals; of two retrievers with differences and p."""
    rows = [MeasureRow.of(measure, compared) for measure in compared.measures]
    return render("compare/scoreboard.html", names=compared.names, rows=rows)


def pairs_table(compared: RetrieverComparison) -> Html:
    """Return the differences of three or four retrievers, pair by pair, with p; empty for two, which stand above."""
    if len(compared.pairs) == 1:
        return Html()
    titles = [measure_words(measure, compared.k)[0] for measure in compared.measures]
    rows = [
        (numbers, pair.names, [(_difference_cell(found), found.significant) for found in pair.measures.values()])
        for numbers, pair in compared.pairs.items()
    ]
    tests = len(compared.pairs) * len(titles)
    return render("compare/pairs.html", titles=titles, rows=rows, tests=tests)


def _difference_cell(found: Comparison) -> Html:
    """Format a difference with its p, corrected, and its interval."""
    chance = "" if found.significant else ", may be chance"
    return interval_cell(found.difference, sign=True, beside=format_p(found.corrected_p), below=chance)


def interval_cell(values: Interval, *, sign: bool = False, beside: str = "", below: str = "") -> Html:
    """Format a mean with its interval below it, from 0 to 1 as trec_eval does."""
    write = format_gain if sign else format_score
    mean, low, high = (write(value) for value in (values.mean, values.low, values.high))
    bounds = "no interval" if values.low != values.low else f"{low} to {high}"
    return Html("<b>{}</b> {}<small>{}{}</small>").format(mean, beside, bounds, below)


def error_bars(compared: RetrieverComparison, ef: int) -> Html:
    """Return a bar for each retriever: what was found, and what the index, if it has one, and the model lost."""
    sides = [
        (side.name, errors, isinstance(side, JudgedIndex))
        for side, errors in zip(compared.sides, compared.errors(ef), strict=True)
    ]
    return render("compare/errors.html", ef=ef, sides=sides, parts=ERROR_PARTS, ranked_parts=RANKED_PARTS)


def costs_table(compared: RetrieverComparison, costs: Sequence[SearchCost]) -> Html:
    """Return the seconds to index, the memory and the time a question of each retriever; empty if not measured."""
    if not costs:
        return Html()
    rows = list(zip(compared.names, costs, strict=True))
    return render("compare/costs.html", rows=rows, timed=len(costs[0].query_seconds), k=compared.k)


def question_rows(compared: RetrieverComparison) -> list[dict[str, object]]:
    """Return a row for each question: its kind, its first answer's rank with each retriever, and all scores."""
    judged, sides = compared.sides[0].judged, list(zip(ORDINALS, compared.sides, strict=False))
    scores = {place: side.evaluation(compared.k).per_query for place, side in sides}
    return [
        {
            "query_id": query_id,
            "question": judged.queries.get(query_id, ""),
            "kind": judged.kinds.get(query_id, ""),
            **{f"{place}_rank": answer_rank(side, query_id) for place, side in sides},
            **{
                f"{place}_{name}": value
                for place, _ in sides
                for name, value in _rounded(scores[place][query_id]).items()
            },
        }
        for query_id in compared.query_ids
    ]


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in scores.items()}
