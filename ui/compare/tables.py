"""Tables and bars of a comparison as HTML, and its scores as rows of the CSV file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from retriever.evaluation.significance import TIE_TOLERANCE, Comparison, Interval
from retriever.experiments.model_comparison import ModelComparison, answer_rank
from ui.compare.text import format_p
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


@dataclass(frozen=True)
class MeasureRow:
    """One measure's row of the scoreboard; better: the number of the better model, 0 or 1, None if they are equal."""

    measure: str
    title: str
    term: str
    sentence: str
    scores: tuple[Html, Html]
    better: int | None
    difference: Html

    @classmethod
    def of(cls, measure: str, found: Comparison, k: int) -> Self:
        """Return the row of a measure, by trec_eval's name, at k."""
        title, term, sentence = (words.format(k=k) for words in MEASURES[measure.split("_")[0]])
        mean = found.difference.mean
        better = None if abs(mean) <= TIE_TOLERANCE else int(mean < 0)
        chance = "" if found.significant else ", may be chance"
        difference = interval_cell(found.difference, sign=True, beside=format_p(found.corrected_p), below=chance)
        scores = interval_cell(found.first), interval_cell(found.second)
        return cls(measure, title, term, sentence, scores, better, difference)


def scoreboard(compared: ModelComparison) -> Html:
    """Return the table of both models' scores by every measure, with intervals, differences and p values."""
    rows = [MeasureRow.of(measure, found, compared.k) for measure, found in compared.measures.items()]
    return render("compare/scoreboard.html", names=compared.models, rows=rows)


def interval_cell(values: Interval, *, sign: bool = False, beside: str = "", below: str = "") -> Html:
    """Format a mean with its interval below it, from 0 to 1 as trec_eval does."""
    write = format_gain if sign else format_score
    mean, low, high = (write(value) for value in (values.mean, values.low, values.high))
    bounds = "no interval" if values.low != values.low else f"{low} to {high}"
    return Html("<b>{}</b> {}<small>{}{}</small>").format(mean, beside, bounds, below)


def error_bars(compared: ModelComparison, ef: int) -> Html:
    """Return a bar for each model: what was found, what the index lost and what the model lost."""
    sides = list(zip(compared.models, compared.errors(ef), strict=True))
    return render("compare/errors.html", ef=ef, sides=sides, parts=ERROR_PARTS)


def question_rows(compared: ModelComparison) -> list[dict[str, object]]:
    """Return a row for each question: its kind, its first answer's rank with both models, and both models' scores."""
    first, second = compared.first, compared.second
    a, b = first.evaluation(compared.k), second.evaluation(compared.k)
    return [
        {
            "query_id": query_id,
            "question": first.judged.queries.get(query_id, ""),
            "kind": first.judged.kinds.get(query_id, ""),
            "first_rank": answer_rank(first, query_id),
            "second_rank": answer_rank(second, query_id),
            **{f"first_{name}": value for name, value in _rounded(a.per_query[query_id]).items()},
            **{f"second_{name}": value for name, value in _rounded(b.per_query[query_id]).items()},
        }
        for query_id in a.per_query
    ]


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in scores.items()}
