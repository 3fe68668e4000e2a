"""The verdict of a comparison of three or four retrievers in words: their order, and which differences are clear."""

from collections.abc import Sequence

from retriever.evaluation.significance import TIE_TOLERANCE
from retriever.experiments.comparison import PairComparison, RetrieverComparison
from ui.compare.sentences.wording import few_judged, few_questions, format_p, listed_html, sentences, shares_judged
from ui.render.html import Html
from ui.render.numbers import format_gain, format_score


def order_sentence(compared: RetrieverComparison) -> Html:
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
    return sentences(words, _order_left_open(compared, best) or _clear_pairs(compared), few_questions(n))


def kinds_of_many(compared: RetrieverComparison) -> Html:
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


def _clear_pairs(compared: RetrieverComparison) -> Html:
    """Return which differences between two retrievers are larger than chance would give, by hit rate, else by nDCG."""
    words = _counted_pairs(compared, compared.hit_rate)
    if any(pair.hit_rate.significant for pair in compared.pairs.values()):
        return words
    if not any(pair.ndcg.significant for pair in compared.pairs.values()):
        return words
    more = Html("By nDCG@{}, which looks at how high the answers stand: {}")
    return sentences(words, more.format(compared.k, _counted_pairs(compared, compared.pair.ndcg.measure)))


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
