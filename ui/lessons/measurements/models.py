"""Measurements of answers found: by which model, lost by which index, and by words where there is no model."""

from collections.abc import Mapping, Sequence

from retriever.evaluation.significance import Interval
from retriever.experiments.error_attribution import ErrorAttribution
from retriever.progress import Progress
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record
from ui.compare.request import CompareRequest
from ui.jobs.shared_samples import SAMPLE_TITLES
from ui.lessons.measurements.measured import Collections, Measured
from ui.render.controls import GRAPH_PRESETS
from ui.render.numbers import format_gain, format_score

MODEL, INDEX, EQUAL = "model", "index", "equal"
FIRST, SECOND, UNCLEAR = "first", "second", "unclear"
EFS, NEVER = ("10", "20", "40", "80", "160", "320"), "never"
WORDS_SHARED = {"name word", "description word", "no shared word"}  # the kinds of question on the Python docs
DEFAULT_GRAPH = "default 16/200"


def hit_rate(collections: Collections, progress: Progress, *, sample: str, models: Sequence[str], k: int) -> Measured:
    """Measure for which share of the judged questions exact search with the first model has an answer among k."""
    found = _Compared(collections, progress, sample, models, k)
    rate, errors = found.rate(0), found.errors(0, k)
    first = (
        f"With {models[0]} an answer is among the first {k} results for {errors.found} of {errors.asked} questions: a "
        f"hit rate@{k} of {format_score(rate)}. This was exact search, which compares every passage."
    )
    lost = len(errors.lost_by_model)
    second = (
        f"So the other {lost} were lost by the model, which put other passages before their answers; no index and "
        "no ef "
        "can bring these back."
        if lost
        else "So the model lost none of them, which is not the usual outcome."
    )
    kinds = {kind: found.kind(kind, 0) for kind in found.kinds}
    ordered = sorted(kinds.items(), key=lambda one: one[1])
    numbers = {
        f"{kind} ({found.questions(kind)} questions)": f"hit rate@{k} {format_score(rate)}" for kind, rate in ordered
    }
    shown = f"{format_score(rate)} hit rate@{k}"
    numbers = numbers or {"found": f"{errors.found} of {errors.asked}"}
    about = (
        f"The table has the hit rate@{k} for each kind of question: whether it shares a word with an answer's name, "
        "only with its description, or with neither."
    )
    sentences = [first, second, *[about] * (set(kinds) == WORDS_SHARED)]
    if len(kinds) > 1:
        sentences.append(f"The kind that it answers least often is “{ordered[0][0]}”, {format_score(ordered[0][1])}.")
    return found.measured(rate, f"hit rate@{k}", sentences, numbers, ef=k, shown=shown)


def model_or_index(
    collections: Collections,
    progress: Progress,
    *,
    sample: str,
    models: Sequence[str],
    k: int,
    ef: int,
    graph: str = DEFAULT_GRAPH,
) -> Measured:
    """Measure what loses more answers: the second model instead of the first, or HNSW at ef instead of exact search."""
    found = _Compared(collections, progress, sample, models, k, graph)
    errors, difference = found.errors(0, ef), found.compared.pair.hit_rate.difference
    asked = errors.asked
    by_index = errors.found - len(errors.kept) - len(errors.lucky)
    by_model = errors.found - found.errors(1, ef).found
    value = EQUAL if by_model == by_index else MODEL if by_model > by_index else INDEX
    first = (
        f"Of {asked} questions exact search with {models[0]} finds an answer for {errors.found}. With {models[1]} in "
        f"its place it answers {_fewer(by_model)}; with HNSW (graph {graph}, ef={ef}) in place of exact search "
        f"{_fewer(by_index)}{_by_luck(errors)}."
    )
    which = {
        MODEL: f"So the smaller model loses more here: {_times(by_model, by_index)}. No ef brings them back.",
        INDEX: f"So the index loses more here: {_times(by_index, by_model)}. Such a graph at so small an ef is a "
        "mistake; a larger ef mends it, without another model.",
        EQUAL: "So both lose the same number here, which is not the usual outcome.",
    }[value]
    if difference.low <= 0 <= difference.high:
        sure = f"The hit rates of the models differ by {_interval(difference)}: as 0 lies between, it could be chance."
    else:
        sure = f"The hit rates of the models differ by {_interval(difference)}: that is more than chance would give."
    rates = [format_score(one / asked) for one in (errors.found, errors.found - by_model, errors.found - by_index)]
    labels = [
        f"{models[0]}, exact search",
        f"{models[1]}, exact search",
        f"{models[0]}, HNSW at ef={ef}, graph {graph}",
    ]
    numbers = {label: f"hit rate@{k} {rate}" for label, rate in zip(labels, rates, strict=True)}
    sentences = [first, which, *[sure] * (graph == DEFAULT_GRAPH)]  # of another graph the models know nothing
    return found.measured(value, "", sentences, numbers, ef=ef)


def ef_until_model_loses_more(
    collections: Collections, progress: Progress, *, sample: str, models: Sequence[str], k: int, graph: str
) -> Measured:
    """Measure the first of EFS at which the index loses fewer answers of the first model than that model itself."""
    found = _Compared(collections, progress, sample, models, k, graph)
    lost: dict[str, int] = {}
    for number, ef in enumerate(EFS):
        progress("searching at one ef after the other", number / len(EFS))
        lost[ef] = len(found.errors(0, int(ef)).lost_by_index)
    by_model = len(found.errors(0, int(EFS[0])).lost_by_model)
    value = next((ef for ef in EFS if lost[ef] < by_model), NEVER)
    shown = EFS[-1] if value == NEVER else value
    first = (
        f"Exact search with {models[0]} finds no answer to {by_model} questions: the model loses these at any ef. "
        f"Of the others, HNSW on the graph {graph} loses {lost[EFS[0]]} at ef={EFS[0]} and {lost[shown]} at ef={shown}."
    )
    if value == NEVER:
        second = f"So even at ef={shown} the index loses no fewer than the model."
    elif value == EFS[0]:
        second = "So even at the smallest ef the model loses more, which is not the usual outcome on so poor a graph."
    else:
        second = f"So at ef={shown} more answers are to be had from a better model than from a better index."
    numbers = {f"lost by the index at ef={ef}": f"{count} questions" for ef, count in lost.items()}
    numbers["lost by the model"] = f"{by_model} questions"
    return found.measured(value, "", [first, second], numbers, ef=int(shown))


def hit_rate_of_kind(
    collections: Collections,
    progress: Progress,
    *,
    sample: str,
    retrievers: Mapping[str, str],
    k: int,
    kind: str,
    of: str,
) -> Measured:
    """Measure the hit rate of one of the retrievers for one kind of question, beside those of the others."""
    names, keys = [*retrievers.values()], [*retrievers]
    found = _Compared(collections, progress, sample, names, k)
    rates = {name: found.kind(kind, number) for number, name in enumerate(names)}
    value, asked = rates[retrievers[of]], found.questions(kind)
    others = [f"{name} {format_score(rate)}" for name, rate in rates.items() if name != retrievers[of]]
    first = (
        f"For the {asked} questions of the kind “{kind}” {retrievers[of]} has a hit rate@{k} of {format_score(value)}; "
        f"{', '.join(others)}."
    )
    best = max(rates.values())
    if value < best - 1e-9:
        second = (
            f"{retrievers[of]} finds {'fewer than the best' if value > 0 else 'none of them'}: it ranks by the "
            "question's own words, and where a question says the same in other words there is nothing to count. A "
            "model compares meanings."
            if keys.index(of) == 0
            else f"{retrievers[of]} finds fewer than the best of them, {format_score(best)}."
        )
    else:
        second = f"None of them finds more than {retrievers[of]} here, which is not the usual outcome for this kind."
    caution = (
        "Mind how the questions were made: each shares no word with its answer on purpose. Real questions share some."
        if kind == "paraphrase"
        else ""
    )
    numbers = {name: format_score(rate) for name, rate in rates.items()}
    sentences, shown = [first, second, *filter(None, [caution])], f"{format_score(value)} hit rate@{k}"
    return found.measured(value, f"hit rate@{k}", sentences, numbers, ef=max(k, 10), shown=shown)


def better_of_kind(
    collections: Collections, progress: Progress, *, sample: str, retrievers: Mapping[str, str], k: int, kind: str
) -> Measured:
    """Measure which of the first two retrievers finds more answers of a kind, if it is more than chance."""
    names = [*retrievers.values()]
    found = _Compared(collections, progress, sample, names, k)
    test, asked = found.compared.pair.kinds[kind], found.questions(kind)
    rates = [found.kind(kind, number) for number in (0, 1)]
    value = UNCLEAR if not test.significant else FIRST if rates[0] > rates[1] else SECOND
    where = "as its first result" if k == 1 else f"among its first {k} results"
    first = (
        f"{names[0]} has an answer {where} for {format_score(rates[0])} of the {asked} questions of the kind “{kind}”, "
        f"{names[1]} for {format_score(rates[1])}: a difference of {_interval(test.difference)}."
    )
    tests = len(found.kinds) * len(found.compared.pairs)
    corrected = f"p={test.corrected_p:.3f}, corrected for the {tests} differences that were tested at once"
    meaning = (
        "p is how often chance alone would give a difference at least as large; the more differences are tested, the "
        "more of them look large by chance, so each p is raised, which is the correction."
    )
    alone = test.difference.low > 0 or test.difference.high < 0
    if value == UNCLEAR:
        second = (
            f"That could be chance: {corrected}. {meaning} With {asked} questions only a large difference can be told "
            "from chance; not to know is a result as well."
        )
        second += (
            " The range in brackets, which 95 times in 100 holds the true difference, leaves out 0: as the only "
            f"difference tested it might count, as one of {tests} it does not."
        ) * alone
    else:
        second = f"That is more than chance would give: {corrected}. {meaning}"
    numbers = {name: f"hit rate@{k} {format_score(rate)}" for name, rate in zip(names, rates, strict=False)}
    return found.measured(value, "", [first, second], numbers, ef=max(k, 10))


def retrievers_by_hit_rate(
    collections: Collections, progress: Progress, *, sample: str, retrievers: Mapping[str, str], k: int
) -> Measured:
    """Measure the order of some retrievers by their hit rate over all questions, best first."""
    names = [*retrievers.values()]
    found = _Compared(collections, progress, sample, names, k)
    rates = {key: found.rate(number) for number, key in enumerate(retrievers)}
    order = tuple(sorted(rates, key=lambda key: -rates[key]))
    shown = ", ".join(f"{retrievers[key]} with {format_score(rates[key])}" for key in order)
    first = f"Hit rate@{k} over all {len(found.compared.query_ids)} questions, best first: {shown}."
    fusions = [key for key in order if " + " in retrievers[key]]
    if fusions and rates[fusions[0]] < rates[order[0]] - 1e-9:
        second = found.where_fusion_loses([*retrievers].index(fusions[0]))
    else:
        second = "Here the fusion is best: its parts miss different questions."
    ties = [(one, other) for one, other in zip(order, order[1:], strict=False) if rates[one] - rates[other] < 1e-9]
    if ties:
        second += " " + " ".join(f"{retrievers[one]} and {retrievers[other]} are equal." for one, other in ties)
    equally = [tuple({one: other, other: one}.get(key, key) for key in order) for one, other in ties]
    kinds = {
        kind: ", ".join(f"{name} {format_score(found.kind(kind, number))}" for number, name in enumerate(names))
        for kind in found.kinds
    }
    return found.measured(order, "", [first, second], kinds, ef=max(k, 10), equally=equally)


class _Compared:
    """A comparison of retrievers on a judged sample, made once for all steps that show it."""

    def __init__(
        self,
        collections: Collections,
        progress: Progress,
        sample: str,
        names: Sequence[str],
        k: int,
        graph: str = DEFAULT_GRAPH,
    ) -> None:
        """Compare them, or take what was compared for another step."""
        M, ef_construction = GRAPH_PRESETS[graph]
        first, second, third, fourth = [*names, "", ""][:4]
        self.request = CompareRequest(
            collection=SAMPLE_TITLES[sample],
            first=first,
            second=second,
            third=third,
            fourth=fourth,
            k=k,
            M=M,
            ef_construction=ef_construction,
        )
        self.graph = graph
        self._chosen = dict(zip(("first", "second", "third", "fourth"), names, strict=False))
        self.finished: FinishedComparison = collections.compared(self.request, progress)
        self.compared = self.finished.comparison
        self.kinds = self.compared.kinds

    def rate(self, number: int) -> float:
        """Return the hit rate of one retriever."""
        return self.compared.score(self.compared.hit_rate, number).mean

    def kind(self, kind: str, number: int) -> float:
        """Return the hit rate of one retriever for a kind of question."""
        return self.compared.score_of_kind(kind, number).mean

    def where_fusion_loses(self, fusion: int) -> str:
        """Return for which kind of question a fusion, by its number, loses most against another, and why."""
        names, others = self.compared.names, [at for at in range(len(self.compared.names)) if at != fusion]
        lost = {(kind, at): self.kind(kind, at) - self.kind(kind, fusion) for kind in self.kinds for at in others}
        example = ""
        if lost:
            kind, best = max(lost, key=lambda one: lost[one])
            example = (
                f": for the kind “{kind}” {names[best]} has {format_score(self.kind(kind, best))} and the fusion "
                f"{format_score(self.kind(kind, fusion))}"
            )
        return (
            f"So the claim does not hold{example}. The fusion adds up what a place in each ranking is worth. A wrong "
            "passage with a middling place in both can so come before an answer that stands high in one and is missing "
            "in the other."
        )

    def questions(self, kind: str) -> int:
        """Return how many questions of a kind there are."""
        return len(self.compared.pair.kinds[kind].differences)

    def errors(self, number: int, ef: int) -> ErrorAttribution:
        """Return where the answers of one retriever were lost at ef."""
        return self.compared.errors(ef)[number]

    def measured(
        self,
        value: float | str | tuple[str, ...],
        unit: str,
        sentences: Sequence[str],
        numbers: Mapping[str, str],
        *,
        ef: int,
        equally: Sequence[tuple[str, ...]] = (),
        shown: str = "",
    ) -> Measured:
        """Return what was measured, with the place of the same comparison."""
        on = {"tab": "compare", "on": self.request.collection, **self._chosen}
        place = {**on, "k": self.compared.k, "graph": self.graph, "ef": ef, "compared": 1}
        record = comparison_record(self.finished, ef)
        return Measured(value, unit, sentences, record, place, numbers, equally=equally, shown=shown)


def _fewer(count: int) -> str:
    """Return how many questions fewer, or more if it is below 0."""
    return f"{count} fewer" if count > 0 else f"{-count} more" if count else "as many"


def _by_luck(errors: ErrorAttribution) -> str:
    """Return what HNSW loses and gains, if it gains anything, which add up to how many fewer it finds."""
    lost, lucky = len(errors.lost_by_index), len(errors.lucky)
    return f", as it loses {lost} and gains {lucky} by missing what stood before the answer" if lucky else ""


def _times(larger: int, smaller: int) -> str:
    """Return how a larger number of answers compares with a smaller one."""
    return f"{larger / smaller:.1f} times as many answers" if smaller > 0 else f"{larger} answers against {smaller}"


def _interval(difference: Interval) -> str:
    """Return a difference with its interval."""
    low, high = format_gain(difference.low), format_gain(difference.high)
    return f"{format_gain(difference.mean)} (with 95 % confidence between {low} and {high})"
