"""The question list of a comparison, one question's rankings side by side, and the download links."""

from collections.abc import Mapping, Sequence

import pandas as pd

from retriever.documents.passage import ScoredPassage
from retriever.evaluation.trec import qrels_text, run_text
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.model_comparison import ModelComparison, answer_rank
from retriever.graph.misses import mark_missed
from retriever.indexes.base import Neighbors, empty_neighbors
from ui.compare.tables import answer_list, question_rows, ranking_list
from ui.compare.text import blame_sentence
from ui.render.export import download_link, rows_to_csv
from ui.render.html import escape, writable_text

LARGEST_DIFFERENCE, FIRST_BETTER, SECOND_BETTER, BY_INDEX, BY_BOTH = CHOICES = (
    "largest difference first",
    "first model better",
    "second model better",
    "lost by an index at this ef",
    "missed by both models",
)
HEADERS = ["question", "kind", "● rank", "▲ rank", "nDCG, ●−▲", "query id"]
WIDTHS: list[str | int] = ["48%", "14%", "8%", "8%", "10%", "12%"]
QUESTION_HINT = '<p class="lab-hint">No question is chosen yet.</p>'
UNANSWERABLE = "Nothing in this collection is judged to answer it, so no search can find an answer."
RANKS = {"1": (1, 1), "2–3": (2, 3), "4–10": (4, 10), "11–100": (11, 100)}


def question_table(compared: ModelComparison, show: str, ef: int) -> pd.DataFrame:
    """Return a list's questions, largest difference in nDCG first; ranks are of the first answers in exact search."""
    first, second, k = compared.first, compared.second, compared.k
    differences = compared.measures[f"ndcg_cut_{k}"].differences
    lost = {query_id for index in (first, second) for query_id in index.errors(k, ef).lost_by_index}
    missed = set(first.errors(k, ef).lost_by_model) & set(second.errors(k, ef).lost_by_model)
    wanted = {
        LARGEST_DIFFERENCE: differences,
        FIRST_BETTER: [query_id for query_id, value in differences.items() if value > 0],
        SECOND_BETTER: [query_id for query_id, value in differences.items() if value < 0],
        BY_INDEX: [query_id for query_id in differences if query_id in lost],
        BY_BOTH: [query_id for query_id in differences if query_id in missed],
    }[show]
    rows = [
        [
            writable_text(first.judged.queries.get(query_id, "(a judged query without a text)")),
            writable_text(first.judged.kinds.get(query_id, "")),
            _rank_text(first, query_id),
            _rank_text(second, query_id),
            f"{differences[query_id]:+.3f}".replace("-", "−"),
            query_id,
        ]
        for query_id in sorted(wanted, key=lambda query_id: -abs(differences[query_id]))
    ]
    return pd.DataFrame(rows, columns=HEADERS, dtype=str)


def count_by_rank(compared: ModelComparison) -> dict[str, tuple[int, int]]:
    """Count the questions by the rank of their first answer: label of ranks -> counts with both models."""
    sides = [
        [answer_rank(index, query_id) for query_id in compared.hit_rate.differences]
        for index in (compared.first, compared.second)
    ]
    counts = {
        label: tuple(sum(rank is not None and low <= rank <= high for rank in ranks) for ranks in sides)
        for label, (low, high) in RANKS.items()
    }
    counts["beyond"] = tuple(ranks.count(None) for ranks in sides)
    return {label: (one, other) for label, (one, other) in counts.items()}


def question_view(compared: ModelComparison, query_id: str, ef: int) -> str:
    """Return one question as HTML: the passages that answer it, and both models' rankings side by side."""
    first, second = compared.first, compared.second
    if query_id not in first.judged.queries:
        return '<p class="lab-hint">This judged query has no text in the collection, so nobody could be asked.</p>'
    sides = "".join(
        f'<div><div class="lab-side"><span class="lab-model-{side}">{mark}</span> {escape(index.model_name)}</div>'
        f"{_ranking_side(index, query_id, compared.k, ef)}</div>"
        for side, mark, index in (("a", "●", first), ("b", "▲", second))
    )
    kind = first.judged.kinds.get(query_id, "")
    return (
        f'<div class="lab-question"><h4>{escape(first.judged.queries[query_id])}</h4>'
        f'<p class="lab-hint">{escape(kind)}{" question. " if kind else ""}These passages answer it:</p>'
        f'{answer_list(first, query_id)}<div class="lab-both">{sides}</div></div>'
    )


def download_links(compared: ModelComparison) -> str:
    """Return links to both runs and the judgments in trec_eval's formats, and to the scores as CSV."""
    links = [
        download_link(
            f"{index.model_name.replace('/', '_')}.run.txt",
            "text/plain",
            run_text(index.run(compared.k), tag=index.model_name),
            f"run of {escape(index.model_name)}",
        )
        for index in (compared.first, compared.second)
    ]
    links.append(download_link("qrels.txt", "text/plain", qrels_text(compared.first.judged.qrels), "qrels"))
    rows = rows_to_csv(question_rows(compared))
    links.append(download_link("scores.csv", "text/csv", rows, "scores of every question, CSV"))
    return f'<div class="lab-downloads">Download: {"".join(links)}</div>'


def _rank_text(index: JudgedIndex, query_id: str) -> str:
    """Return the rank of a question's first answer as text."""
    rank = answer_rank(index, query_id)
    return "> 100" if rank is None else str(rank)


def _ranking_side(index: JudgedIndex, query_id: str, k: int, ef: int) -> str:
    """Return one model's exact ranking as HTML, with HNSW's misses marked."""
    exact, hnsw = index.ranking(query_id, k), index.ranking(query_id, k, ef)
    numbers = {doc_id: n for n, doc_id in enumerate(dict.fromkeys(hit.passage.doc_id for hit in [*exact, *hnsw]))}
    missed, _ = mark_missed(_as_neighbors(exact, numbers, k), _as_neighbors(hnsw, numbers, k))
    if not index.answerable(query_id):
        return ranking_list(index, query_id, exact, missed, UNANSWERABLE)
    note = blame_sentence(index, index.errors(k, ef), query_id, answer_rank(index, query_id), k, ef)
    return ranking_list(index, query_id, exact, missed, note)


def _as_neighbors(ranking: Sequence[ScoredPassage], numbers: Mapping[str, int], k: int) -> Neighbors:
    """Return a ranking of documents as neighbours, (1, k), each document by its number."""
    neighbors = empty_neighbors(1, k)
    neighbors.ids[0, : len(ranking)] = [numbers[hit.passage.doc_id] for hit in ranking]
    neighbors.scores[0, : len(ranking)] = [hit.score for hit in ranking]
    return neighbors
