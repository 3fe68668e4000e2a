"""One question of a comparison: the passages that answer it, and the rankings of all retrievers side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from retriever.documents.document import Passage, ScoredPassage
from retriever.experiments.comparison import RetrieverComparison
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import JudgedSearch, answer_rank
from retriever.graph.misses import mark_missed
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.retrievers.late_interaction import LateInteractionRetriever
from ui.compare.sentences.losses import blame_sentence, rank_sentence
from ui.render.alignment import alignment_picture
from ui.render.html import HINT, Html, render

MOST_PICTURES = 5  # hits of late interaction with a picture; each embeds the question again
QUESTION_HINT = HINT.format("No question is chosen yet.")
NO_TEXT = HINT.format("This judged query has no text in the collection, so nobody could be asked.")
UNANSWERABLE = "Nothing in this collection is judged to answer it, so no search can find an answer."
ITSELF = " The question is itself a document of this collection, which is left out here."
CUT = " The question is longer than this model reads: its end was cut."


@dataclass(frozen=True)
class RankedSide:
    """One retriever's ranking for a question; hits: each with whether HNSW misses it, and its grade if judged.

    measure: what the scores of the hits are. pictures: of late interaction, which word of the question took which word
    of each hit; else none.
    """

    name: str
    note: str
    measure: str
    hits: Sequence[tuple[ScoredPassage, bool, int | None]]
    pictures: Sequence[Html]

    @classmethod
    def of(cls, side: JudgedSearch, query_id: str, k: int, ef: int) -> Self:
        """Return the side of one retriever, with the misses of HNSW at ef if it has an index."""
        found, rank = side.ranking(query_id, k), answer_rank(side, query_id)
        missed, note = [False] * len(found), rank_sentence(rank, k)
        if isinstance(side, JudgedIndex):
            missed = _missed(found, side.ranking(query_id, k, ef), k)
            note = blame_sentence(side.errors(k, ef), query_id, rank, k, ef)
        if not side.answerable(query_id):
            note = UNANSWERABLE
        if query_id in side.own_documents:
            note += ITSELF
        if query_id in side.cut:
            note += CUT
        grades = [side.judged.qrels[query_id].get(hit.passage.doc_id) for hit in found]
        hits = list(zip(found, missed, grades, strict=True))
        return cls(side.name, note, _score_name(side), hits, _pictures(side, query_id, found))


def question_view(compared: RetrieverComparison, query_id: str, ef: int) -> Html:
    """Return one question as HTML: the passages that answer it, and the rankings of all retrievers side by side."""
    first = compared.sides[0]
    if query_id not in first.judged.queries:
        return NO_TEXT
    return render(
        "compare/question.html",
        question=first.judged.queries[query_id],
        kind=first.judged.kinds.get(query_id, ""),
        level=first.judged.relevance_level,
        answers=answers_to(first, query_id),
        sides=[RankedSide.of(side, query_id, compared.k, ef) for side in compared.sides],
    )


def answers_to(side: JudgedSearch, query_id: str) -> list[Passage]:
    """Return the first passage of each document judged to answer a question, whether or not it was found."""
    answers = side.judged.answers(query_id)
    shown: dict[str, Passage] = {}
    for passage in side.passages:
        if passage.doc_id in answers:
            shown.setdefault(passage.doc_id, passage)
    return list(shown.values())


def _pictures(side: JudgedSearch, query_id: str, found: Sequence[ScoredPassage]) -> list[Html]:
    """Return for the first hits of late interaction which word of the question took which of their words."""
    if not isinstance(side, JudgedRetriever) or not isinstance(side.retriever, LateInteractionRetriever):
        return []
    retriever, question = side.retriever, side.judged.queries[query_id]
    rows = {id(passage): row for row, passage in enumerate(retriever.passages)}
    shown = found[:MOST_PICTURES]
    return [alignment_picture(retriever.alignment(question, rows[id(hit.passage)])) for hit in shown]


def _score_name(side: JudgedSearch) -> str:
    """Return what the scores of a retriever's hits are."""
    if isinstance(side, JudgedFusion):
        return f"sum of 1 / ({side.fusion_k} + rank) over both rankings"
    return side.score_name if isinstance(side, JudgedRetriever) else "cosine similarity"


def _missed(exact: Sequence[ScoredPassage], hnsw: Sequence[ScoredPassage], k: int) -> list[bool]:
    """Return for each hit of exact search whether HNSW missed it."""
    numbers = {doc_id: n for n, doc_id in enumerate(dict.fromkeys(hit.passage.doc_id for hit in [*exact, *hnsw]))}
    return mark_missed(_as_neighbors(exact, numbers, k), _as_neighbors(hnsw, numbers, k))[0][: len(exact)]


def _as_neighbors(ranking: Sequence[ScoredPassage], numbers: Mapping[str, int], k: int) -> Neighbors:
    """Return a ranking of documents as neighbours, (1, k), each document by its number."""
    neighbors = empty_neighbors(1, k)
    neighbors.ids[0, : len(ranking)] = [numbers[hit.passage.doc_id] for hit in ranking]
    neighbors.scores[0, : len(ranking)] = [hit.score for hit in ranking]
    return neighbors
