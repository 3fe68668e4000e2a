"""Sentences about a comparison: verdict, costs, notes and what lost a question. Pure functions; all text is escaped."""

import math
from collections.abc import Sequence

from retriever.evaluation.judged_queries import JudgmentCoverage
from retriever.evaluation.significance import SIGNIFICANT, TIE_TOLERANCE, Comparison, Interval
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.model_comparison import ModelComparison, judged_share
from ui.render.html import escape

FEW_QUESTIONS = 50  # with fewer questions the intervals are so wide that the page warns of it
COMFORTABLE_EF = 100  # the index's cost is shown at this ef too, beside the chosen one


def format_points(value: float, *, sign: bool = True) -> str:
    """Format a share as percentage points with one decimal and a true minus sign."""
    number = round(value * 100, 1) + 0.0
    return f"{number:+.1f}".replace("-", "−") if sign else f"{number:.1f}".replace("-", "−")


def format_bounds(interval: Interval) -> str:
    """Format an interval's bounds in points; empty for a single question."""
    if math.isnan(interval.low):
        return ""
    return f"[{format_points(interval.low, sign=False)}, {format_points(interval.high, sign=False)}]"


def format_difference(difference: Interval) -> str:
    """Format a difference in points with its bounds."""
    return f"{format_points(difference.mean)} points {format_bounds(difference)}".rstrip()


def format_p(p: float) -> str:
    """Format a p value."""
    if p < 0.001:
        return "p < 0.001"
    close = p < SIGNIFICANT and f"{p:.3f}" == f"{SIGNIFICANT:.3f}"  # else it would look insignificant
    return f"p = {p:.4f}" if close else f"p = {p:.3f}"


def verdict_sentence(compared: ModelComparison) -> str:
    """Return which model finds more answers, by how much, and whether that could be chance."""
    rate, k, n = compared.hit_rate, compared.k, len(compared.hit_rate.differences)
    found = [round(side.mean * n) for side in (rate.first, rate.second)]
    names = [f"<b>{escape(name)}</b>" for name in compared.models]
    among = "as its first result" if k == 1 else f"among its first {k} results"
    if found[0] == found[1]:
        among = among.replace(" its ", " their ")
        words = f"Both models find an answer {among} for <b>{found[0]} of {n}</b> questions."
        return words + _by_ndcg(compared) + _few(rate)
    order = (0, 1) if found[0] > found[1] else (1, 0)
    words = f"{names[order[0]]} finds an answer {among} for <b>{found[order[0]]} of {n}</b> questions, "
    words += f"{names[order[1]]} for <b>{found[order[1]]}</b>. "
    larger = "is larger than chance would give" if rate.significant else "could be chance"
    difference = rate.difference if order == (0, 1) else _negated(rate.difference)
    words += f"The difference, {format_difference(difference)}, {larger} ({format_p(rate.p)})."
    return words + ("" if rate.significant else _by_ndcg(compared)) + _few(rate)


def _by_ndcg(compared: ModelComparison) -> str:
    """Return which model is better by nDCG, for comparisons that the hit rate does not decide; empty if neither is."""
    ndcg = compared.measures[f"ndcg_cut_{compared.k}"]
    if not ndcg.significant:
        return ""
    better, difference = compared.models[0], ndcg.difference
    if difference.mean < 0:
        better, difference = compared.models[1], _negated(difference)
    return (
        f" By nDCG@{compared.k}, which looks at how high the answers stand, <b>{escape(better)}</b> is better: "
        f"{format_difference(difference)} ({format_p(ndcg.p)})."
    )


def _few(rate: Comparison) -> str:
    """Return a warning of few questions: the intervals are wide, or for a single question unknown."""
    n = len(rate.differences)
    if n >= FEW_QUESTIONS:
        return ""
    if n == 1:
        return " One question says nothing of others."
    return f" There are only {n} questions: with so few the intervals are wide, and small differences cannot be seen."


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)


def kinds_sentence(compared: ModelComparison) -> str:
    """Return the kinds of question on which the models differ most and least; empty without kinds."""
    if not compared.kinds:
        return ""
    ranked = sorted(compared.kinds.items(), key=lambda item: -abs(item[1].difference.mean))
    (most, widest), (least, narrowest) = ranked[0], ranked[-1]
    if abs(widest.difference.mean) < TIE_TOLERANCE:
        return "For every kind of question both find as many answers."
    words = f"They differ most on <b>{escape(most)}</b> questions ({widest.first.mean:.0%} against "
    words += f"{widest.second.mean:.0%}{'' if widest.significant else ', which could be chance'})"
    differ = abs(widest.difference.mean) - abs(narrowest.difference.mean) > TIE_TOLERANCE
    return words + (f", least on <b>{escape(least)}</b>." if differ else ".")


def cost_sentence(compared: ModelComparison, ef: int) -> str:
    """Return how much the model changes the hit rate, and how much the index costs."""
    moved = format_points(abs(compared.hit_rate.difference.mean), sign=False)
    words = f"Changing the model moves the hit rate by <b>{moved} points</b>; this index at ef={ef} costs "
    words += _cost(compared, ef)
    comfortable = max(COMFORTABLE_EF, compared.k)
    if ef != comfortable:
        words += f", at ef={comfortable} {_cost(compared, comfortable)}"
    return words + "."


def _cost(compared: ModelComparison, ef: int) -> str:
    """Return what the index costs with both models, in points."""
    sides = (compared.first, compared.second)
    parts = [format_points(index.errors(compared.k, ef).index_cost, sign=False) for index in sides]
    return f"<b>{parts[0]}</b>" if parts[0] == parts[1] else f"<b>{parts[0]}</b> and <b>{parts[1]}</b>"


def lucky_sentence(compared: ModelComparison, ef: int) -> str:
    """Return an explanation of answers that only HNSW finds; empty if there are none."""
    counts = [
        (index.model_name, len(index.errors(compared.k, ef).lucky)) for index in (compared.first, compared.second)
    ]
    parts = [f"{count} with {escape(name)}" for name, count in counts if count]
    if not parts:
        return ""
    return (
        f"By luck, HNSW finds what exact search does not ({', '.join(parts)}): it missed nearer passages that do not "
        "answer, and an answer moved up. The points above count that in the index's favour."
    )


def blame_sentence(
    index: JudgedIndex, errors: ErrorAttribution, query_id: str, rank: int | None, k: int, ef: int
) -> str:
    """Return where one question's answer was found or lost."""
    stands = f"at rank {rank}" if rank else "beyond rank 100"
    lost = errors.blame(query_id)
    if lost == "model":
        luck = " HNSW shows it all the same, by luck." if query_id in errors.lucky else ""
        return f"Lost by the model: exact search has the first answer {stands}, not among the first {k}.{luck}"
    if lost == "index":
        return f"Lost by the index: exact search has the first answer {stands}, HNSW at ef={ef} misses it."
    return f"Found: the first answer stands {stands} in exact search, and HNSW at ef={ef} finds it too."


def comparison_notes(
    compared: ModelComparison, coverage: JudgmentCoverage, in_lower_case: Sequence[float]
) -> list[str]:
    """Return what qualifies the numbers: cut passages, unjudged results, judgments that do not match."""
    first, second = compared.first, compared.second
    notes = [
        "Passages cut at the model's limit: "
        + ", ".join(f"{escape(i.model_name)} {i.indexed.n_cut:,} of {len(i.indexed):,}" for i in (first, second))
        + "."
    ]
    k = compared.k
    shares = [_percent(judged_share(index.run(k), index.judged.qrels, k)) for index in (first, second)]
    notes.append(
        f"Of the first {compared.k} results {shares[0]} and {shares[1]} were judged; the others count as no answer."
    )
    if coverage.queries < coverage.judged_queries:
        missing = coverage.judged_queries - coverage.queries
        notes.append(
            f"{missing:,} of {coverage.judged_queries:,} judged queries have no text: they count as not found."
        )
    if coverage.documents < coverage.judged_documents:
        missing = coverage.judged_documents - coverage.documents
        notes.append(f"{missing:,} of {coverage.judged_documents:,} judged documents are not in this collection.")
    if in_lower_case:
        rates = [side.mean for side in (compared.hit_rate.first, compared.hit_rate.second)]
        changes = [
            f"{escape(name)} {before:.1%} → {after:.1%}"
            for name, before, after in zip(compared.models, rates, in_lower_case, strict=True)
        ]
        notes.append(
            "The questions are written in capitals, the passages are not. With the questions in lower case the hit "
            f"rate goes: {', '.join(changes)}. A model that tells capitals apart sees other words; that is the model, "
            "not a mistake here."
        )
    return notes


def _percent(share: float) -> str:
    """Format a share in percent; 100 % only if nothing is missing."""
    return f"{min(share, 0.99) if share < 1 else share:.0%}"
