"""What the sentences about a comparison share: how differences and p are written, and when a warning is due."""

import math
from collections.abc import Sequence

from retriever.evaluation.significance import SIGNIFICANT, Interval
from retriever.experiments.comparison import PairComparison
from ui.render.html import Html
from ui.render.numbers import format_gain, format_score

FEW_QUESTIONS = 50  # with fewer questions the intervals are so wide that the page warns of it
FEW_JUDGED = 0.5  # with a smaller share of the first results judged, the verdict says how far it could change


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


def few_judged(pair: PairComparison) -> bool:
    """Return whether so few of the first results were judged that the verdict must say what that leaves open."""
    return min(pair.unjudged.judged) < FEW_JUDGED and pair.unjudged.could_change


def shares_judged(judged: Sequence[float], k: int) -> str:
    """Return which shares of the first results of some retrievers were judged."""
    return f"{listed([format_score(share) for share in judged])} of the {first_results(k)} were judged"


def first_results(k: int) -> str:
    """Return the words for the first k results."""
    return "first results" if k == 1 else f"first {k} results"


def few_questions(n: int) -> str:
    """Return a warning of few questions: the intervals are wide, or for a single question unknown."""
    if n >= FEW_QUESTIONS:
        return ""
    if n == 1:
        return "One question says nothing of others."
    return f"There are only {n} questions: with so few the intervals are wide, and small differences cannot be seen."


def sentences(*parts: str) -> Html:
    """Return the sentences that are not empty, one after the other."""
    return Html(" ").join(filter(None, parts))


def listed(parts: Sequence[str]) -> str:
    """Return some words with commas between them, and an "and" before the last."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def listed_html(parts: Sequence[Html]) -> Html:
    """Return some HTML as listed does with text."""
    return Html(" and ").join(filter(None, [Html(", ").join(parts[:-1]), parts[-1]]))
