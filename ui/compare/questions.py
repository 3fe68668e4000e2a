"""The question list of a comparison, one question's rankings side by side, and the download links."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from retriever.documents.document import Passage, ScoredPassage
from retriever.evaluation.trec import qrels_text, run_text
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.model_comparison import ModelComparison, answer_rank
from retriever.graph.misses import mark_missed
from retriever.indexes.base import Neighbors, empty_neighbors
from ui.compare.tables import question_rows
from ui.compare.text import blame_sentence
from ui.render.export import download_link, downloads, rows_to_csv
from ui.render.html import HINT, Html, render

LARGEST_DIFFERENCE, FIRST_BETTER, SECOND_BETTER, BY_INDEX, BY_BOTH = CHOICES = (
    "largest difference first",
    "first model better",
    "second model better",
    "lost by an index at this ef",
    "missed by both models",
)
HEADERS = ["question", "kind", "● rank", "▲ rank", "nDCG, ●−▲", "query id"]
MOST_LISTED = 500  # questions; a page with more rows is slow, and scores.csv has all
NO_QUESTIONS = HINT.format("No question is on this list.")
QUESTION_HINT = HINT.format("No question is chosen yet.")
NO_TEXT = HINT.format("This judged query has no text in the collection, so nobody could be asked.")
UNANSWERABLE = "Nothing in this collection is judged to answer it, so no search can find an answer."
ITSELF = " The question is itself a document of this collection, which is left out here."
CUT = " The question is longer than this model reads: its end was cut."
RANKS = {"1": (1, 1), "2–3": (2, 3), "4–10": (4, 10), "11–100": (11, 100)}


def list_rows(compared: ModelComparison, show: str, ef: int) -> list[list[str]]:
    """Return a list's questions as rows below HEADERS, largest difference in nDCG first.

    Ranks are of the first answers in exact search.
    """
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
    return [
        [
            first.judged.queries.get(query_id, "(a judged query without a text)"),
            first.judged.kinds.get(query_id, ""),
            _rank_text(first, query_id),
            _rank_text(second, query_id),
            f"{differences[query_id]:+.3f}".replace("-", "−"),
            query_id,
        ]
        for query_id in sorted(wanted, key=lambda query_id: -abs(differences[query_id]))
    ]


def question_list(compared: ModelComparison, show: str, ef: int) -> Html:
    """Return a list's questions as a table in which each opens, named by its place in numbered_queries, from 1."""
    rows = list_rows(compared, show, ef)
    if not rows:
        return NO_QUESTIONS
    numbers = {query_id: number for number, query_id in enumerate(numbered_queries(compared), 1)}
    listed = [(numbers[row[-1]], row) for row in rows[:MOST_LISTED]]
    return render("compare/list.html", headers=HEADERS, rows=listed, more=len(rows) - len(listed))


def numbered_queries(compared: ModelComparison) -> list[str]:
    """Return the ids of all questions in a fixed order: a visitor's id may not outlast the page's cleaning."""
    return list(compared.hit_rate.differences)


def count_by_rank(compared: ModelComparison) -> dict[str, tuple[int, int]]:
    """Count the questions by the rank of their first answer: label of ranks -> counts with both models."""
    sides = (_rank_counts(index, compared.hit_rate.differences) for index in (compared.first, compared.second))
    return dict(zip([*RANKS, "beyond"], zip(*sides, strict=True), strict=True))


def _rank_counts(index: JudgedIndex, query_ids: Iterable[str]) -> list[int]:
    """Return how many questions have their first answer at each of RANKS, and how many beyond."""
    ranks = [answer_rank(index, query_id) for query_id in query_ids]
    counts = [sum(rank is not None and low <= rank <= high for rank in ranks) for low, high in RANKS.values()]
    return [*counts, ranks.count(None)]


@dataclass(frozen=True)
class RankedSide:
    """One model's exact ranking for a question; hits: each with whether HNSW misses it, and its grade if judged."""

    model: str
    note: str
    hits: Sequence[tuple[ScoredPassage, bool, int | None]]

    @classmethod
    def of(cls, index: JudgedIndex, query_id: str, k: int, ef: int) -> Self:
        """Return the side of one model, with the misses of HNSW at ef."""
        exact, hnsw = index.ranking(query_id, k), index.ranking(query_id, k, ef)
        numbers = {doc_id: n for n, doc_id in enumerate(dict.fromkeys(hit.passage.doc_id for hit in [*exact, *hnsw]))}
        missed, _ = mark_missed(_as_neighbors(exact, numbers, k), _as_neighbors(hnsw, numbers, k))
        grades = [index.judged.qrels[query_id].get(hit.passage.doc_id) for hit in exact]
        note = UNANSWERABLE
        if index.answerable(query_id):
            note = blame_sentence(index.errors(k, ef), query_id, answer_rank(index, query_id), k, ef)
        if query_id in index.own_documents:
            note += ITSELF
        if query_id in index.cut:
            note += CUT
        return cls(index.model_name, note, list(zip(exact, missed, grades, strict=True)))


def question_view(compared: ModelComparison, query_id: str, ef: int) -> Html:
    """Return one question as HTML: the passages that answer it, and both models' rankings side by side."""
    first, judged = compared.first, compared.first.judged
    if query_id not in judged.queries:
        return NO_TEXT
    return render(
        "compare/question.html",
        question=judged.queries[query_id],
        kind=judged.kinds.get(query_id, ""),
        level=judged.relevance_level,
        answers=answers_to(first, query_id),
        sides=[RankedSide.of(index, query_id, compared.k, ef) for index in (first, compared.second)],
    )


def answers_to(index: JudgedIndex, query_id: str) -> list[Passage]:
    """Return the first passage of each document judged to answer a question, whether or not a model found it."""
    answers = index.judged.answers(query_id)
    shown: dict[str, Passage] = {}
    for passage in index.indexed.retriever.passages:
        if passage.doc_id in answers:
            shown.setdefault(passage.doc_id, passage)
    return list(shown.values())


def download_links(compared: ModelComparison) -> Html:
    """Return links to both runs and the judgments in trec_eval's formats, and to the scores as CSV."""
    links = [
        download_link(
            f"{index.model_name.replace('/', '_')}.run.txt",
            "text/plain",
            run_text(index.run(compared.k), tag=index.model_name),
            f"run of {index.model_name}",
        )
        for index in (compared.first, compared.second)
    ]
    links.append(download_link("qrels.txt", "text/plain", qrels_text(compared.first.judged.qrels), "qrels"))
    rows = rows_to_csv(question_rows(compared))
    links.append(download_link("scores.csv", "text/csv", rows, "scores of every question, CSV"))
    return downloads("Download", links)


def _rank_text(index: JudgedIndex, query_id: str) -> str:
    """Return the rank of a question's first answer as text."""
    rank = answer_rank(index, query_id)
    return "> 100" if rank is None else str(rank)


def _as_neighbors(ranking: Sequence[ScoredPassage], numbers: Mapping[str, int], k: int) -> Neighbors:
    """Return a ranking of documents as neighbours, (1, k), each document by its number."""
    neighbors = empty_neighbors(1, k)
    neighbors.ids[0, : len(ranking)] = [numbers[hit.passage.doc_id] for hit in ranking]
    neighbors.scores[0, : len(ranking)] = [hit.score for hit in ranking]
    return neighbors
