"""The lists of a comparison's questions, and how many have their first answer at which rank."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from retriever.experiments.comparison import RetrieverComparison, errors_of
from retriever.experiments.judged_search import JudgedSearch, answer_rank
from ui.compare.shown.marks import MARKS, ORDINALS
from ui.render.html import HINT, Html, render

LARGEST_DIFFERENCE, BY_INDEX, BY_ALL = "largest difference first", "lost by an index at this ef", "missed by all"
MOST_LISTED = 500  # questions; a page with more rows is slow, and scores.csv has all
NO_QUESTIONS = HINT.format("No question is on this list.")
RANKS = {"1": (1, 1), "2–3": (2, 3), "4–10": (4, 10), "11–100": (11, 100)}


def list_choices(n_sides: int) -> list[str]:
    """Return the names of the lists of questions for so many retrievers."""
    return [LARGEST_DIFFERENCE, *(_best_alone(number) for number in range(n_sides)), BY_INDEX, BY_ALL]


def _best_alone(number: int) -> str:
    """Return the name of the list of questions for which a retriever is better than every other."""
    return f"{ORDINALS[number]} {MARKS[number]} best"


def headers(compared: RetrieverComparison) -> list[str]:
    """Return the headers of a list of questions."""
    spread = "nDCG, ●−▲" if len(compared.sides) == 2 else "nDCG, best − worst"
    return ["question", "kind", *(f"{mark} rank" for mark in MARKS[: len(compared.sides)]), spread, "query id"]


def list_rows(compared: RetrieverComparison, show: str, ef: int) -> list[list[str]]:
    """Return a list's questions as rows below the headers, largest difference in nDCG first.

    Ranks are of the first answers in exact search.
    """
    judged, values = compared.sides[0].judged, _ndcg(compared)
    differences = {
        query_id: scores[0] - scores[1] if len(scores) == 2 else max(scores) - min(scores)
        for query_id, scores in values.items()
    }
    return [
        [
            judged.queries.get(query_id, "(a judged query without a text)"),
            judged.kinds.get(query_id, ""),
            *(_rank_text(side, query_id) for side in compared.sides),
            f"{differences[query_id]:{'+' if len(compared.sides) == 2 else ''}.3f}".replace("-", "−"),
            query_id,
        ]
        for query_id in sorted(_wanted(compared, show, ef, values), key=lambda query_id: -abs(differences[query_id]))
    ]


def _ndcg(compared: RetrieverComparison) -> dict[str, list[float]]:
    """Return nDCG of each question with each retriever."""
    sides = [side.evaluation(compared.k).per_query for side in compared.sides]
    measure = compared.pair.ndcg.measure
    return {query_id: [side[query_id][measure] for side in sides] for query_id in compared.query_ids}


def _wanted(
    compared: RetrieverComparison, show: str, ef: int, values: Mapping[str, Sequence[float]]
) -> Collection[str]:
    """Return the ids of the questions of a list; values: nDCG with each retriever."""
    if show in (BY_INDEX, BY_ALL):
        errors = [errors_of(side, compared.k, ef) for side in compared.sides]
        lost = {query_id for one in errors for query_id in one.lost_by_index}
        missed = set[str].intersection(*(set(one.lost_by_model) for one in errors))
        return [query_id for query_id in values if query_id in (missed if show == BY_ALL else lost)]
    for number in range(len(compared.sides)):
        if show == _best_alone(number):
            return [query_id for query_id, scores in values.items() if _is_best_alone(scores, number)]
    return values


def _is_best_alone(scores: Sequence[float], number: int) -> bool:
    """Return whether one of some scores is higher than every other."""
    return all(scores[number] > score for other, score in enumerate(scores) if other != number)


def question_list(compared: RetrieverComparison, show: str, ef: int) -> Html:
    """Return a list's questions as a table in which each opens, named by its place among the query ids, from 1."""
    rows = list_rows(compared, show, ef)
    if not rows:
        return NO_QUESTIONS
    # a number, as a visitor's id may not outlast the page's cleaning
    numbers = {query_id: number for number, query_id in enumerate(compared.query_ids, 1)}
    listed = [(numbers[row[-1]], row) for row in rows[:MOST_LISTED]]
    return render("compare/list.html", headers=headers(compared), rows=listed, more=len(rows) - len(listed))


def count_by_rank(compared: RetrieverComparison) -> dict[str, tuple[int, ...]]:
    """Count the questions by the rank of their first answer: label of ranks -> counts with each retriever."""
    sides = (_rank_counts(side, compared.query_ids) for side in compared.sides)
    return dict(zip([*RANKS, "beyond"], zip(*sides, strict=True), strict=True))


def _rank_counts(side: JudgedSearch, query_ids: Iterable[str]) -> list[int]:
    """Return how many questions have their first answer at each of RANKS, and how many beyond."""
    ranks = [answer_rank(side, query_id) for query_id in query_ids]
    counts = [sum(rank is not None and low <= rank <= high for rank in ranks) for low, high in RANKS.values()]
    return [*counts, ranks.count(None)]


def _rank_text(side: JudgedSearch, query_id: str) -> str:
    """Return the rank of a question's first answer as text."""
    rank = answer_rank(side, query_id)
    return "> 100" if rank is None else str(rank)
