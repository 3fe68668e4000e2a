"""Sentences about a comparison: verdict, costs, notes and what lost a question. Pure functions."""

import math
from collections.abc import Mapping, Sequence

from retriever.evaluation.significance import SIGNIFICANT, TIE_TOLERANCE, Interval
from retriever.evaluation.trec import judged_only
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.model_comparison import ModelComparison
from ui.compare.request import OWN
from ui.render.html import Html
from ui.render.numbers import count_of, format_gain, format_score

FEW_QUESTIONS = 50  # with fewer questions the intervals are so wide that the page warns of it
FEW_JUDGED = 0.5  # with a smaller share of the first results judged, the verdict says how far it could change
COMFORTABLE_EF = 100  # the index's losses are shown at this ef too, beside the chosen one


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


def verdict_sentence(compared: ModelComparison) -> Html:
    """Return which model finds more answers, by how much, and whether that could be chance."""
    rate, k, n = compared.hit_rate, compared.k, len(compared.hit_rate.differences)
    found = [round(side.mean * n) for side in (rate.first, rate.second)]
    whose = "their" if found[0] == found[1] else "its"
    among = f"as {whose} first result" if k == 1 else f"among {whose} first {k} results"
    if found[0] == found[1]:
        words = Html("Both models find an answer {} for <b>{} of {}</b> question{}.")
        words = words.format(among, found[0], f"{n:,}", "" if n == 1 else "s")
        left_open = _left_open(compared, 0, "the difference")
        return _sentences(words, f"But {left_open}" if left_open else _by_ndcg(compared), _few(n))
    better, other = (0, 1) if found[0] > found[1] else (1, 0)
    words = Html("<b>{}</b> finds an answer {} for <b>{} of {}</b> question{}, <b>{}</b> for <b>{}</b>.").format(
        compared.models[better],
        among,
        found[better],
        f"{n:,}",
        "" if n == 1 else "s",
        compared.models[other],
        found[other],
    )
    difference = format_difference(_negated(rate.difference) if better else rate.difference)
    p, left_open = format_p(rate.corrected_p), _left_open(compared, better, "it")
    if left_open:
        return _sentences(words, f"The difference, {difference}, {p}, is of judged answers alone: {left_open}", _few(n))
    larger = "is larger than chance would give" if rate.significant else "could be chance"
    sure = f"The difference, {difference}, {larger} ({p})."
    return _sentences(words, sure, "" if rate.significant else _by_ndcg(compared), _few(n))


def few_judged(compared: ModelComparison) -> bool:
    """Return whether so few of the first results were judged that the verdict must say what that leaves open."""
    return min(compared.unjudged.judged) < FEW_JUDGED and compared.unjudged.could_change


def _left_open(compared: ModelComparison, better: int, difference: str) -> str:
    """Return how few of the first results were judged, and how far the difference could change; empty for enough.

    better: the number of the better model, which is told first, and of which the other's hit rate is subtracted.
    difference: what to call that.
    """
    if not few_judged(compared):
        return ""
    (low, high), judged = compared.unjudged.difference, compared.unjudged.judged
    if better:
        (low, high), judged = (-high, -low), judged[::-1]
    return (
        f"only {_shares_judged(judged, compared.k)}; depending on the others, {difference} could be anything from "
        f"{format_gain(low)} to {format_gain(high)}."
    )


def _sentences(*sentences: str) -> Html:
    """Return the sentences that are not empty, one after the other."""
    return Html(" ").join(filter(None, sentences))


def _by_ndcg(compared: ModelComparison) -> Html:
    """Return which model is better by nDCG, for comparisons that the hit rate does not decide; empty if neither is."""
    ndcg = compared.measures[f"ndcg_cut_{compared.k}"]
    if not ndcg.significant:
        return Html()
    better, difference = compared.models[0], ndcg.difference
    if difference.mean < 0:
        better, difference = compared.models[1], _negated(difference)
    words = Html("By nDCG@{}, which looks at how high the answers stand, <b>{}</b> is better: {} ({}).")
    return words.format(compared.k, better, format_difference(difference), format_p(ndcg.corrected_p))


def _few(n: int) -> str:
    """Return a warning of few questions: the intervals are wide, or for a single question unknown."""
    if n >= FEW_QUESTIONS:
        return ""
    if n == 1:
        return "One question says nothing of others."
    return f"There are only {n} questions: with so few the intervals are wide, and small differences cannot be seen."


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)


def kinds_sentence(compared: ModelComparison) -> Html:
    """Return the kinds of question on which the models differ most and least; empty without kinds."""
    if not compared.kinds:
        return Html()
    ranked = sorted(compared.kinds.items(), key=lambda item: -abs(item[1].difference.mean))
    (most, widest), (least, narrowest) = ranked[0], ranked[-1]
    if abs(widest.difference.mean) < TIE_TOLERANCE:
        return Html("For every kind of question both find as many answers.")
    chance = "" if widest.significant else ", which could be chance"
    words = Html("They differ most on <b>{}</b> questions ({} against {}{})")
    words = words.format(most, format_score(widest.first.mean), format_score(widest.second.mean), chance)
    if abs(widest.difference.mean) - abs(narrowest.difference.mean) > TIE_TOLERANCE:
        words += Html(", least on <b>{}</b>").format(least)
    return words + "."


def cost_sentence(compared: ModelComparison, ef: int) -> Html:
    """Return how much the model changes the hit rate, and how much the index loses of it."""
    moved = format_score(abs(compared.hit_rate.difference.mean))
    words = Html("The model changes the hit rate by <b>{}</b>; this index loses {} at ef={}")
    words = words.format(moved, _losses(compared, ef), ef)
    comfortable = max(COMFORTABLE_EF, compared.k)
    if ef != comfortable:
        words += Html(", {} at ef={}").format(_losses(compared, comfortable), comfortable)
    return words + "."


def _losses(compared: ModelComparison, ef: int) -> Html:
    """Return the share of questions that the index loses with both models, as the bars show it; equal shares once."""
    sides = [index.errors(compared.k, ef) for index in (compared.first, compared.second)]
    shares = [format_score(len(errors.lost_by_index) / errors.asked) for errors in sides]
    return Html(" and ").join(Html("<b>{}</b>").format(share) for share in dict.fromkeys(shares))


def lucky_sentence(compared: ModelComparison, ef: int) -> str:
    """Return an explanation of answers that only HNSW finds; empty if there are none."""
    sides = [(index.errors(compared.k, ef), index.model_name) for index in (compared.first, compared.second)]
    parts = [f"{format_score(len(errors.lucky) / errors.asked)} with {name}" for errors, name in sides if errors.lucky]
    if not parts:
        return ""
    return (
        f"HNSW also gains {' and '.join(parts)} by luck: it missed nearer passages that do not answer, and an answer "
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


def judged_by_notes(compared: ModelComparison, judged_by: str) -> list[str]:
    """Return who judged what is loaded; nothing for collections that are always judged by themselves."""
    if not judged_by:
        return []
    qrels = judged_only(compared.first.judged.qrels)
    counts = f"{count_of(sum(map(len, qrels.values())), 'judgment')} of {count_of(len(qrels), 'question')}"
    unseen = " Hits that you have not judged count as no answer, whichever model finds them."
    return [f"Judged by {judged_by}: {counts}.{unseen if judged_by == OWN else ''}"]


def reading_notes(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what was chosen or passed over in uploaded files, one note a file."""
    return [f"{name}: {' '.join(said)}" for name, said in notes.items()]


def comparison_notes(compared: ModelComparison, in_lower_case: Sequence[float]) -> list[str]:
    """Return what qualifies the numbers: corrected p, what was cut or left out, and judgments that do not match."""
    corrected = f"p: Holm-corrected for the {len(compared.measures)} measures."
    judged = [] if few_judged(compared) else [_judged_note(compared)]
    notes = [" ".join([corrected, _cut_note(compared.first, compared.second), *judged])]
    notes += _left_out_notes(compared.first)
    if in_lower_case:
        rates = [side.mean for side in (compared.hit_rate.first, compared.hit_rate.second)]
        changes = [
            f"{name} {format_score(before)} → {format_score(after)}"
            for name, before, after in zip(compared.models, rates, in_lower_case, strict=True)
        ]
        notes.append(
            "The questions are written in capitals, the passages are not. With the questions in lower case the hit "
            f"rate goes: {', '.join(changes)}. A model that tells capitals apart sees other words; that is the model, "
            "not a mistake here."
        )
    return notes


def _cut_note(first: JudgedIndex, second: JudgedIndex) -> str:
    """Return how many passages and how many questions each model cut at its limit."""
    models, n_asked = (first.model_name, second.model_name), first.coverage.queries
    passages = _cut("passage", models, (first.indexed.n_cut, second.indexed.n_cut), len(first.indexed))
    return f"{passages} {_cut('question', models, (len(first.cut), len(second.cut)), n_asked)}"


def _cut(what: str, models: Sequence[str], n_cut: Sequence[int], n: int) -> str:
    """Return how many of n passages or questions each model cut."""
    if not any(n_cut):
        return f"No {what} was cut."
    counts = ", ".join(f"{name} {count:,} of {n:,}" for name, count in zip(models, n_cut, strict=True))
    return f"{what.capitalize()}s cut at the model's limit: {counts}."


def _left_out_notes(index: JudgedIndex) -> list[str]:
    """Return which questions count as not found whatever a model does, and which documents and questions do not count.

    All are counted of the questions that the means are of, and are the same for both models.
    """
    coverage, n_own = index.coverage, len(index.own_documents)
    n, notes = coverage.judged_queries, list[str]()
    if n_own:
        notes.append(
            f"Questions that are documents of this collection themselves, by id and text: {n_own:,} of {n:,}. Each is "
            "left out of its own results, in exact search and HNSW alike, as it would find itself first."
        )
    if coverage.queries < n:
        notes.append(f"Judged queries without a text, which count as not found: {n - coverage.queries:,} of {n:,}.")
    if coverage.answerable < n:
        notes.append(
            "Judged questions to which no document of this collection is relevant, which count as not found: "
            f"{n - coverage.answerable:,} of {n:,}."
        )
    if coverage.unjudged_queries:
        notes.append(
            f"Questions that nobody judged, which are not asked: {coverage.unjudged_queries:,} beside the {n:,} judged."
        )
    if coverage.documents < coverage.judged_documents:
        missing = coverage.judged_documents - coverage.documents
        notes.append(f"Judged documents that are not in this collection: {missing:,} of {coverage.judged_documents:,}.")
    return notes


def _judged_note(compared: ModelComparison) -> str:
    """Return how many of the first results were judged, where the verdict does not say it."""
    judged = compared.unjudged.judged
    if min(judged) == 1:
        return f"All of the {_first_results(compared.k)} were judged."
    return f"{_shares_judged(judged, compared.k)}; the others count as no answer."


def _shares_judged(judged: tuple[float, float], k: int) -> str:
    """Return which shares of two models' first results were judged."""
    return f"{format_score(judged[0])} and {format_score(judged[1])} of the {_first_results(k)} were judged"


def _first_results(k: int) -> str:
    """Return the words for the first k results."""
    return "first results" if k == 1 else f"first {k} results"
