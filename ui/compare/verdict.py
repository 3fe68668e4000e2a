"""The verdict of a comparison in words: which retriever finds more answers, and for what kind of question."""

import math
from collections.abc import Sequence

from retriever.evaluation.significance import SIGNIFICANT, TIE_TOLERANCE, Interval
from retriever.experiments.comparison import PairComparison, RetrieverComparison
from retriever.experiments.judged_index import JudgedIndex
from ui.render.html import Html
from ui.render.numbers import format_gain, format_score

FEW_QUESTIONS = 50  # with fewer questions the intervals are so wide that the page warns of it
FEW_JUDGED = 0.5  # with a smaller share of the first results judged, the verdict says how far it could change


def verdict_sentence(compared: RetrieverComparison) -> Html:
    """Return which retriever finds more answers, by how much, and whether that could be chance."""
    return pair_verdict(compared.pair) if len(compared.sides) == 2 else _order(compared)


def kinds_sentence(compared: RetrieverComparison) -> Html:
    """Return the kinds of question on which the retrievers differ most and least; empty without kinds."""
    return _pair_kinds(compared.pair) if len(compared.sides) == 2 else _kinds_of_many(compared)


def _order(compared: RetrieverComparison) -> Html:
    """Return how many answers each of three or four finds, the best first, and which differences are clear."""
    k, n, rate = compared.k, len(compared.query_ids), compared.hit_rate
    means = [compared.score(rate, number).mean for number in range(len(compared.sides))]
    best = sorted(range(len(means)), key=lambda number: -means[number])
    counts = [round(means[number] * n) for number in best]
    among = "as its first result" if k == 1 else f"among its first {k} results"
    words = Html("<b>{}</b> finds an answer {} for <b>{} of {}</b> question{}, {}.").format(
        compared.names[best[0]],
        among,
        counts[0],
        f"{n:,}",
        "" if n == 1 else "s",
        listed_html(
            [
                Html("<b>{}</b> for <b>{}</b>").format(compared.names[number], count)
                for number, count in zip(best[1:], counts[1:], strict=True)
            ]
        ),
    )
    return _sentences(words, _order_left_open(compared, best) or _clear_pairs(compared), _few(n))


def _clear_pairs(compared: RetrieverComparison) -> Html:
    """Return which differences between two retrievers are larger than chance would give, by hit rate, else by nDCG."""
    words = _counted_pairs(compared, compared.hit_rate)
    if any(pair.hit_rate.significant for pair in compared.pairs.values()):
        return words
    if not any(pair.ndcg.significant for pair in compared.pairs.values()):
        return words
    more = Html("By nDCG@{}, which looks at how high the answers stand: {}")
    return _sentences(words, more.format(compared.k, _counted_pairs(compared, compared.pair.ndcg.measure)))


def _counted_pairs(compared: RetrieverComparison, measure: str) -> Html:
    """Return how many differences are larger than chance would give by a measure, and which, or which are not."""
    pairs = [pair for pair in compared.pairs.values() if pair.measures[measure].significant]
    others = [pair for pair in compared.pairs.values() if not pair.measures[measure].significant]
    total, clear = len(compared.pairs), len(pairs)
    if not pairs:
        return Html("Each of the {} differences between two of them could be chance.").format(total)
    if not others:
        return Html("All {} differences between two of them are larger than chance would give.").format(total)
    words = Html("Of the {} differences between two of them, {} larger than chance would give").format(
        total, "1 is" if clear == 1 else f"{clear} are"
    )
    if len(pairs) <= len(others):
        return words + Html(": {}.").format(listed_html([_told(pair, measure) for pair in pairs]))
    told = listed_html([_told(pair, measure) for pair in others])
    return words + Html("; {} could be chance.").format(told)


def _told(pair: PairComparison, measure: str) -> Html:
    """Return a pair with its difference by a measure and its p, the better one first."""
    found = pair.measures[measure]
    better, other = pair.names if found.difference.mean > 0 else pair.names[::-1]
    words = Html("{} against {} ({}, {})")
    return words.format(better, other, format_gain(abs(found.difference.mean)), format_p(found.corrected_p))


def _order_left_open(compared: RetrieverComparison, best: Sequence[int]) -> str:
    """Return how few of the first results were judged, and how far the best two could differ; empty for enough.

    best: the numbers of the sides, the best first.
    """
    if not any(few_judged(pair) for pair in compared.pairs.values()):
        return ""
    first, second = best[:2]
    low, high = compared.pairs[min(best[:2]), max(best[:2])].unjudged.difference
    if first > second:
        low, high = -high, -low
    shares = shares_judged(compared.judged_shares, compared.k)
    return (
        f"The differences are of judged answers alone: only {shares}; depending on the others, {compared.names[first]} "
        f"against {compared.names[second]} could be anything from {format_gain(low)} to {format_gain(high)}."
    )


def _kinds_of_many(compared: RetrieverComparison) -> Html:
    """Return the kinds of question on which three or four retrievers differ most and least; empty without kinds."""
    if not compared.kinds:
        return Html()
    spread, ends = {}, {}
    for kind in compared.kinds:
        means = [compared.score_of_kind(kind, number).mean for number in range(len(compared.sides))]
        low, high = means.index(min(means)), means.index(max(means))
        spread[kind], ends[kind] = means[high] - means[low], (low, high)
    ranked = sorted(spread, key=lambda kind: -spread[kind])
    most, least = ranked[0], ranked[-1]
    if spread[most] < TIE_TOLERANCE:
        return Html("For every kind of question all find as many answers.")
    low, high = ends[most]
    chance = "" if compared.pairs[min(low, high), max(low, high)].kinds[most].significant else ", which could be chance"
    words = Html("They differ most on <b>{}</b> questions (from {} with {} to {} with {}{})").format(
        most,
        format_score(compared.score_of_kind(most, low).mean),
        compared.names[low],
        format_score(compared.score_of_kind(most, high).mean),
        compared.names[high],
        chance,
    )
    if spread[most] - spread[least] > TIE_TOLERANCE:
        words += Html(", least on <b>{}</b>").format(least)
    return words + "."


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
        return _sentences(words, f"But {left_open}" if left_open else _by_ndcg(pair), _few(n))
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
        return _sentences(words, f"The difference, {difference}, {p}, is of judged answers alone: {left_open}", _few(n))
    larger = "is larger than chance would give" if rate.significant else "could be chance"
    sure = f"The difference, {difference}, {larger} ({p})."
    return _sentences(words, sure, "" if rate.significant else _by_ndcg(pair), _few(n))


def few_judged(pair: PairComparison) -> bool:
    """Return whether so few of the first results were judged that the verdict must say what that leaves open."""
    return min(pair.unjudged.judged) < FEW_JUDGED and pair.unjudged.could_change


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


def _sentences(*sentences: str) -> Html:
    """Return the sentences that are not empty, one after the other."""
    return Html(" ").join(filter(None, sentences))


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


def _few(n: int) -> str:
    """Return a warning of few questions: the intervals are wide, or for a single question unknown."""
    if n >= FEW_QUESTIONS:
        return ""
    if n == 1:
        return "One question says nothing of others."
    return f"There are only {n} questions: with so few the intervals are wide, and small differences cannot be seen."


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)


def _pair_kinds(pair: PairComparison) -> Html:
    """Return the kinds of question on which two retrievers differ most and least; empty without kinds."""
    if not pair.kinds:
        return Html()
    ranked = sorted(pair.kinds.items(), key=lambda item: -abs(item[1].difference.mean))
    (most, widest), (least, narrowest) = ranked[0], ranked[-1]
    if abs(widest.difference.mean) < TIE_TOLERANCE:
        return Html("For every kind of question both find as many answers.")
    chance = "" if widest.significant else ", which could be chance"
    words = Html("They differ most on <b>{}</b> questions ({} against {}{})")
    words = words.format(most, format_score(widest.first.mean), format_score(widest.second.mean), chance)
    if abs(widest.difference.mean) - abs(narrowest.difference.mean) > TIE_TOLERANCE:
        words += Html(", least on <b>{}</b>").format(least)
    return words + "."


def format_difference(difference: Interval) -> str:
    """Format a difference of shares with the bounds of its interval, which a single question has not."""
    mean = format_gain(difference.mean)
    if math.isnan(difference.low):
        return mean
    return f"{mean} ({format_gain(difference.low)} to {format_gain(difference.high)})"


def format_p(p: float) -> str:
    """Format a p value."""
    if p < 0.001:
        return "p < 0.001"
    close = p < SIGNIFICANT and f"{p:.3f}" == f"{SIGNIFICANT:.3f}"  # else it would look insignificant
    return f"p = {p:.4f}" if close else f"p = {p:.3f}"


def listed(parts: Sequence[str]) -> str:
    """Return some words with commas between them, and an "and" before the last."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def listed_html(parts: Sequence[Html]) -> Html:
    """Return some HTML as listed does with text."""
    return Html(" and ").join(filter(None, [Html(", ").join(parts[:-1]), parts[-1]]))


def shares_judged(judged: Sequence[float], k: int) -> str:
    """Return which shares of the first results of some retrievers were judged."""
    return f"{listed([format_score(share) for share in judged])} of the {first_results(k)} were judged"


def first_results(k: int) -> str:
    """Return the words for the first k results."""
    return "first results" if k == 1 else f"first {k} results"
