"""Tables and bars of a comparison as HTML, and its scores as rows of the CSV file."""

from collections.abc import Mapping, Sequence

from retriever.documents.passage import ScoredPassage
from retriever.evaluation.significance import TIE_TOLERANCE, Comparison, Interval
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.model_comparison import ModelComparison, answer_rank
from ui.compare.text import format_p
from ui.render.html import escape
from ui.render.passages import foldable_text, passage_place

MEASURE_SENTENCES = {
    "success": ("hit rate@{k}", "Share of questions with an answer in the first {k}."),
    "ndcg": ("nDCG@{k}", "How high answers stand in the first {k}, by grade."),
    "recall": ("recall@{k}", "Share of all answers that is in the first {k}."),
    "recip": ("MRR", "1 / rank of the first answer, averaged."),
    "map": ("MAP", "Precision at the rank of each answer, averaged."),
}
ERROR_PARTS = {"kept": "found by HNSW", "index": "lost by the index", "model": "lost by the model"}


def scoreboard(compared: ModelComparison) -> str:
    """Return the table of both models' scores by every measure, with intervals, differences and p values."""
    head = "".join(
        f'<th scope="col"><span class="lab-model-{side}">{mark}</span> {escape(name)}</th>'
        for side, mark, name in zip(("a", "b"), "●▲", compared.models, strict=True)
    )
    rows = "".join(_measure_row(name, found, compared.k) for name, found in compared.measures.items())
    return (
        f'<div class="lab-scroll lab-whole"><table class="lab-table lab-scores"><tr><th scope="col">measure</th>{head}'
        f'<th scope="col">difference</th></tr>{rows}</table></div>'
    )


def _measure_row(name: str, found: Comparison, k: int) -> str:
    """Return one measure's row of the scoreboard."""
    title, sentence = MEASURE_SENTENCES[name.split("_")[0]]
    better = "a" if found.difference.mean > TIE_TOLERANCE else "b" if found.difference.mean < -TIE_TOLERANCE else ""
    cells = "".join(
        f'<td class="{"lab-better" if better == side else ""}">{interval_cell(values)}</td>'
        for side, values in (("a", found.first), ("b", found.second))
    )
    chance = "" if found.significant else ", may be chance"
    return (
        f'<tr><th scope="row"><b>{title.format(k=k)}</b> <code>{name}</code>'
        f"<small>{sentence.format(k=k)}</small></th>{cells}"
        f"<td>{interval_cell(found.difference, sign=True, beside=format_p(found.p), below=chance)}</td></tr>"
    )


def interval_cell(values: Interval, *, sign: bool = False, beside: str = "", below: str = "") -> str:
    """Format a mean with its interval below it, from 0 to 1 as trec_eval does."""
    rounded = [round(value, 3) + 0.0 for value in (values.mean, values.low, values.high)]  # + 0.0 avoids a minus zero
    numbers = [f"{value:+.3f}" if sign else f"{value:.3f}" for value in rounded]
    mean, low, high = (number.replace("-", "−") for number in numbers)
    bounds = "no interval" if values.low != values.low else f"{low} to {high}"
    return f"<b>{mean}</b> {beside}<small>{bounds}{below}</small>"


def error_bars(compared: ModelComparison, ef: int) -> str:
    """Return a bar for each model: what was found, what the index lost and what the model lost."""
    sides = zip(("a", "b"), "●▲", (compared.first, compared.second), compared.errors(ef), strict=True)
    bars = "".join(_error_bar(side, mark, index, errors) for side, mark, index, errors in sides)
    legend = "".join(f'<span><i class="lab-{css}"></i>{words}</span>' for css, words in ERROR_PARTS.items())
    return f'<div class="lab-errors" data-ef="{ef}">{bars}<div class="lab-legend">{legend}</div></div>'


def _error_bar(side: str, mark: str, index: JudgedIndex, errors: ErrorAttribution) -> str:
    """Return one model's bar, with its numbers above it."""
    parts = {"kept": errors.kept, "index": errors.lost_by_index, "model": errors.lost_by_model}
    segments = "".join(
        f'<div class="lab-{css}" style="flex-grow:{len(ids)}" title="{ERROR_PARTS[css]}: {len(ids)}"></div>'
        for css, ids in parts.items()
        if ids
    )
    share = 100 / errors.asked
    numbers = (
        f"exact search finds {errors.found * share:.1f} of 100 (<b>the model loses "
        f"{len(errors.lost_by_model) * share:.1f}</b>), HNSW {len(errors.kept) * share:.1f} of these "
        f"(<b>the index loses {len(errors.lost_by_index) * share:.1f}</b>)"
    )
    name = f'<span class="lab-model-{side}">{mark}</span> {escape(index.model_name)}'
    return f'<div class="lab-error"><div>{name}: {numbers}</div><div class="lab-bar">{segments}</div></div>'


def ranking_list(
    index: JudgedIndex, query_id: str, hits: Sequence[ScoredPassage], missed: Sequence[bool], note: str
) -> str:
    """Return one model's exact ranking below a note, with judged passages and HNSW's misses marked."""
    grades, level = index.judged.qrels[query_id], index.judged.relevance_level
    items = []
    for rank, (hit, miss) in enumerate(zip(hits, missed, strict=True), 1):
        grade = grades.get(hit.passage.doc_id)
        tags = _grade_tag(grade, level) + ('<span class="lab-tag">missed by HNSW</span>' if miss else "")
        css = " ".join(name for name, on in (("lab-marked", miss), ("lab-answer", (grade or 0) >= level)) if on)
        items.append(
            f'<li class="{css}"><div class="lab-hit-head"><span class="lab-rank">{rank}</span>'
            f'<b>{escape(passage_place(hit.passage))}</b>{tags}<span class="lab-score" title="cosine similarity">'
            f"{hit.score:.3f}</span></div>{foldable_text(hit.passage.text)}</li>"
        )
    return f'<p class="lab-hint">{note}</p><ol class="lab-hits lab-exact">{"".join(items)}</ol>'


def _grade_tag(grade: int | None, level: int) -> str:
    """Return the tag of a judged passage; empty if it was not judged."""
    if grade is None:
        return ""
    words = "answer" if grade >= level else "related" if grade > 0 else "judged: no answer"
    css = "lab-tag-answer" if grade >= level else "lab-tag-plain"
    return f'<span class="lab-tag {css}">{words} (grade {grade})</span>'


def answer_list(index: JudgedIndex, query_id: str) -> str:
    """Return the passages judged to answer a question, whether or not a model found them."""
    answers = index.judged.answers(query_id)
    shown: dict[str, str] = {}
    for passage in index.indexed.retriever.passages:
        if passage.doc_id in answers and passage.doc_id not in shown:
            shown[passage.doc_id] = f"<li><b>{escape(passage_place(passage))}</b>{foldable_text(passage.text)}</li>"
    if not shown:
        return '<p class="lab-hint">No passage of this collection is judged to answer it.</p>'
    return f'<ul class="lab-answers">{"".join(shown.values())}</ul>'


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
