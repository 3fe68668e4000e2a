"""The verdict of a comparison in words: which retriever finds more answers, and for what kind of question."""

from retriever.evaluation.significance import TIE_TOLERANCE, Interval
from retriever.experiments.comparison import PairComparison, RetrieverComparison
from retriever.experiments.judged_index import JudgedIndex
from ui.compare.sentences.verdict_of_many import kinds_of_many, order_sentence
from ui.compare.sentences.wording import (
    few_judged,
    few_questions,
    format_difference,
    format_p,
    sentences,
    shares_judged,
)
from ui.render.html import Html
from ui.render.numbers import format_gain, format_score


def verdict_sentence(compared: RetrieverComparison) -> Html:
    """Return which retriever finds more answers, by how much, and whether that could be chance."""
    return pair_verdict(compared.pair) if len(compared.sides) == 2 else order_sentence(compared)


def kinds_sentence(compared: RetrieverComparison) -> Html:
    """Return the kinds of question on which the retrievers differ most and least; empty without kinds."""
    return _pair_kinds(compared.pair) if len(compared.sides) == 2 else kinds_of_many(compared)


def pair_verdict(pair: PairComparison) -> Html:
    """Return which of two retrievers finds more answers, by how much, and whether that could be chance."""
    rate, k, n = pair.hit_rate, pair.k, len(pair.hit_rate.differences)
    found = [round(side.mean * n) for side in (rate.first, rate.second)]
    whose = "their" if found[0] == found[1] else "its"
    among = f"as {whose} first result" if k == 1 else f"among {whose} first {k} results"
    if found[0] == found[1]:
        words = Html("Both {} find an answer {} for <b>{} of {}</b> question{}.")
        words = words.format(_both(pair), among, found[0], f"{n:,}", "" if n == 1 else "s")
        left_open = _left_open(pair, 0, "the difference")
        return sentences(words, f"But {left_open}" if left_open else _by_ndcg(pair), few_questions(n))
    better, other = (0, 1) if found[0] > found[1] else (1, 0)
    words = Html("<b>{}</b> finds an answer {} for <b>{} of {}</b> question{}, <b>{}</b> for <b>{}</b>.").format(
        pair.names[better],
        among,
        found[better],
        f"{n:,}",
        "" if n == 1 else "s",
        pair.names[other],
        found[other],
    )
    difference = format_difference(_negated(rate.difference) if better else rate.difference)
    p, left_open = format_p(rate.corrected_p), _left_open(pair, better, "it")
    if left_open:
        return sentences(
            words, f"The difference, {difference}, {p}, is of judged answers alone: {left_open}", few_questions(n)
        )
    larger = "is larger than chance would give" if rate.significant else "could be chance"
    sure = f"The difference, {difference}, {larger} ({p})."
    return sentences(words, sure, "" if rate.significant else _by_ndcg(pair), few_questions(n))


def _both(pair: PairComparison) -> str:
    """Return what two retrievers are together."""
    return "models" if isinstance(pair.first, JudgedIndex) and isinstance(pair.second, JudgedIndex) else "retrievers"


def _left_open(pair: PairComparison, better: int, difference: str) -> str:
    """Return how few of the first results were judged, and how far the difference could change; empty for enough.

    better: the number of the better one, which is told first, and of which the other's hit rate is subtracted.
    difference: what to call that.
    """
    if not few_judged(pair):
        return ""
    (low, high), judged = pair.unjudged.difference, pair.unjudged.judged
    if better:
        (low, high), judged = (-high, -low), judged[::-1]
    return (
        f"only {shares_judged(judged, pair.k)}; depending on the others, {difference} could be anything from "
        f"{format_gain(low)} to {format_gain(high)}."
    )


def _by_ndcg(pair: PairComparison) -> Html:
    """Return which of two is better by nDCG, where the hit rate does not decide; empty if neither is."""
    ndcg = pair.ndcg
    if not ndcg.significant:
        return Html()
    better, difference = pair.names[0], ndcg.difference
    if difference.mean < 0:
        better, difference = pair.names[1], _negated(difference)
    words = Html("By nDCG@{}, which looks at how high the answers stand, <b>{}</b> is better: {} ({}).")
    return words.format(pair.k, better, format_difference(difference), format_p(ndcg.corrected_p))


def _pair_kinds(pair: PairComparison) -> Html:
    """Return the kinds of question on which two retrievers differ most and least; empty without kinds."""
    if not pair.kinds:
        return Html()
    ranked = sorted(pair.kinds.items(), key=lambda item: -abs(item[1].difference.mean))
    (most, widest), (least, narrowest) = ranked[0], ranked[-1]
    if abs(widest.difference.mean) < TIE_TOLERANCE:
        return Html("For every kind of question both find as many answers.")
    chance = "" if widest.significant else ", which could be chance"
    (first, second), scores = pair.names, [format_score(side.mean) for side in (widest.first, widest.second)]
    words = Html("They differ most on <b>{}</b> questions ({} {}, {} {}{})")
    words = words.format(most, first, scores[0], second, scores[1], chance)
    if abs(widest.difference.mean) - abs(narrowest.difference.mean) > TIE_TOLERANCE:
        words += Html(", least on <b>{}</b>").format(least)
    return words + "."


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)
