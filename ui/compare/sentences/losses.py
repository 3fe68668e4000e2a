"""Sentences about the two errors of a comparison, and about what lost one question. Pure functions."""

from retriever.experiments.comparison import RetrieverComparison, errors_of
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.experiments.judged_index import JudgedIndex
from ui.compare.sentences.wording import listed, listed_html
from ui.render.html import Html
from ui.render.numbers import format_score

COMFORTABLE_EF = 100  # the index's losses are shown at this ef too, beside the chosen one


def cost_sentence(compared: RetrieverComparison, ef: int) -> Html:
    """Return how far the hit rates differ, and how much of it the index loses where one is searched."""
    rates = [compared.score(compared.hit_rate, number).mean for number in range(len(compared.sides))]
    what = "model" if all(isinstance(side, JudgedIndex) for side in compared.sides) else "retriever"
    by = "" if len(rates) == 2 else "up to "
    words = Html("The {} changes the hit rate by {}<b>{}</b>").format(what, by, format_score(max(rates) - min(rates)))
    if not any(isinstance(side, JudgedIndex) for side in compared.sides):
        return words + "; none of these searches an index."
    words += Html("; this index loses {} at ef={}").format(_losses(compared, ef), ef)
    comfortable = max(COMFORTABLE_EF, compared.k)
    if ef != comfortable:
        words += Html(", {} at ef={}").format(_losses(compared, comfortable), comfortable)
    return words + "."


def _losses(compared: RetrieverComparison, ef: int) -> Html:
    """Return the share of questions that the index loses with each model, as the bars show it; equal shares once."""
    sides = [side.errors(compared.k, ef) for side in compared.sides if isinstance(side, JudgedIndex)]
    shares = [format_score(len(errors.lost_by_index) / errors.asked) for errors in sides]
    return listed_html([Html("<b>{}</b>").format(share) for share in dict.fromkeys(shares)])


def no_index_sentence(compared: RetrieverComparison) -> str:
    """Return why some bars have no part of the index; empty if all have one."""
    if all(isinstance(side, JudgedIndex) for side in compared.sides):
        return ""
    return (
        "What is found without an index cannot be lost by one: BM25 and late interaction score the passages "
        "themselves, and fusion joins two exact rankings, so no HNSW graph stands in between that could miss an answer."
    )


def lucky_sentence(compared: RetrieverComparison, ef: int) -> str:
    """Return an explanation of answers that only HNSW finds; empty if there are none."""
    sides = [(errors_of(side, compared.k, ef), side.name) for side in compared.sides]
    parts = [f"{format_score(len(errors.lucky) / errors.asked)} with {name}" for errors, name in sides if errors.lucky]
    if not parts:
        return ""
    return (
        f"HNSW also gains {listed(parts)} by luck: it missed nearer passages that do not answer, and an answer "
        "moved up. What is kept and lost above leaves that out."
    )


def blame_sentence(errors: ErrorAttribution, query_id: str, rank: int | None, k: int, ef: int) -> str:
    """Return where one question's answer was found or lost; rank: of the first answer, None beyond rank 100."""
    stands = f"at rank {rank}" if rank else "beyond rank 100"
    lost = errors.blame(query_id)
    if lost == "model":
        luck = " HNSW shows it all the same, by luck." if query_id in errors.lucky else ""
        return f"Lost by the model: exact search has the first answer {stands}, not among the first {k}.{luck}"
    if lost == "index":
        return f"Lost by the index: exact search has the first answer {stands}, HNSW at ef={ef} misses it."
    return f"Found: the first answer stands {stands} in exact search, and HNSW at ef={ef} finds it too."


def rank_sentence(rank: int | None, k: int) -> str:
    """Return where one question's answer stands with a retriever without an index; rank: None beyond rank 100."""
    stands = f"at rank {rank}" if rank else "beyond rank 100"
    if rank and rank <= k:
        return f"Found: the first answer stands {stands}."
    return f"Lost: the first answer stands {stands}, not among the first {k}."
